using System.Globalization;
using Tandem.Data;

namespace Tandem.Models.Formats;

/// <summary>
/// The header of a <c>.npy</c> file: a Python literal of exactly one form, a dictionary with the three keys. Nothing else of Python is
/// understood, so nothing in a header can do harm.
/// </summary>
sealed class NpyHeader(string text, string path)
{
    const int TextLimit = 1 << 20;
    int at;

    /// <summary>Parses the header.</summary>
    public (string Descr, bool Fortran, List<long> Shape) Parse()
    {
        string? descr = null;
        bool? fortran = null;
        List<long>? shape = null;
        Take('{');
        while (Peek() != '}')
        {
            var key = Text();
            Take(':');
            if (key == "descr" && descr is null)
                descr = Peek() == '[' ? throw FileFault.Unsupported.Error("a structured array", path, remedy: "Save one field of it.") : Text();
            else if (key == "fortran_order" && fortran is null)
                fortran = Flag();
            else if (key == "shape" && shape is null)
                shape = Tuple();
            else
                throw Wrong($"the key '{key}' is not expected");
            if (Peek() == ',')
                at++;
            else if (Peek() != '}')
                throw Wrong("a comma is missing");
        }
        at++;
        if (Peek() != '\0' || at < text.Length)
            throw Wrong("it goes on after its dictionary");
        if (descr is null || fortran is null || shape is null)
            throw Wrong("it lacks descr, fortran_order or shape");
        return (descr, fortran.Value, shape);
    }

    /// <summary>Bytes of one element.</summary>
    public static int ItemSize(string descr, string path)
    {
        if (descr.Length < 2 || !"<>=|".Contains(descr[0], StringComparison.Ordinal))
            throw FileFault.Inconsistent.Error($"the type '{descr}' has no byte order", path);
        if (descr[1] == 'O')
            throw FileFault.Forbidden.Error("the array holds Python objects, which only running code could read", path, remedy: "Save numbers: .astype('float32').");
        switch (descr[1..])
        {
            case "b1" or "i1" or "u1":
                return 1;
            case "i2" or "u2" or "f2":
                return 2;
            case "i4" or "u4" or "f4":
                return 4;
            case "i8" or "u8" or "f8" or "c8":
                return 8;
            case "c16":
                return 16;
        }
        if (descr[1] is 'S' or 'U' && int.TryParse(descr.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out var letters))
        {
            return letters <= TextLimit ? letters * (descr[1] == 'U' ? 4 : 1) : throw FileFault.TooLarge.Error($"texts of {letters} letters", path, $"at most {TextLimit}");
        }
        throw FileFault.Unsupported.Error($"the type '{descr}'", path, remedy: "Convert it with .astype('float32').");
    }

    bool Flag()
    {
        Peek();
        foreach (var (word, value) in new[] { ("True", true), ("False", false) })
        {
            if (text.AsSpan(at).StartsWith(word, StringComparison.Ordinal))
            {
                at += word.Length;
                return value;
            }
        }
        throw Wrong("fortran_order is neither True nor False");
    }

    List<long> Tuple()
    {
        List<long> sizes = [];
        Take('(');
        var commas = 0;
        while (Peek() != ')')
        {
            var start = at;
            while (at < text.Length && char.IsAsciiDigit(text[at]))
                at++;
            if (start == at)
                throw Wrong("shape holds something else than whole numbers from 0 on");
            if (!long.TryParse(text.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture, out var size))
                throw FileFault.TooLarge.Error($"the size {text[start..at]}", path);
            sizes.Add(size);
            if (at < text.Length && text[at] == 'L')
                at++; // Python 2 wrote long integers so
            if (Peek() == ',')
            {
                at++;
                commas++;
            }
            else if (Peek() != ')')
            {
                throw Wrong("shape lacks a comma");
            }
        }
        at++;
        return sizes.Count != 1 || commas == 1 ? sizes : throw Wrong("shape is a number instead of a tuple");
    }

    string Text()
    {
        var quote = Peek();
        var end = quote is '\'' or '"' ? text.IndexOf(quote, at + 1) : -1;
        if (end < 0)
            throw Wrong("a text is missing");
        var value = text[(at + 1)..end];
        at = end + 1;
        return value.Contains('\\', StringComparison.Ordinal) ? throw Wrong("a text holds a backslash") : value;
    }

    void Take(char letter)
    {
        if (Peek() != letter)
            throw Wrong($"'{letter}' is missing");
        at++;
    }

    /// <summary>The next letter that is no space; NUL at the end.</summary>
    char Peek()
    {
        while (at < text.Length && text[at] is ' ' or '\n' or '\t' or '\r')
            at++;
        return at < text.Length ? text[at] : '\0';
    }

    TandemException Wrong(string what) => FileFault.Inconsistent.Error($"the header is wrong at character {at}: {what}", path, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }");
}
