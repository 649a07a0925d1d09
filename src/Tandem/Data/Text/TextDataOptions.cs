namespace Tandem.Data.Text;

/// <summary>A recipe's section <c>data</c> for texts.</summary>
public sealed record TextDataOptions : DataOptions
{
    /// <summary>A tokenizer's folder or file; null: that of the model that weights come from, else a vocabulary is trained on the data.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>Where the text stands in a table (a column's name, or its number from 1) or in JSON lines (a field's name); null: by the usual names, text first.</summary>
    public string? Column { get; init; }

    /// <summary>Where a document of plain text ends: empty_line, line or file.</summary>
    public DocumentEnd Documents { get; init; } = DocumentEnd.EmptyLine;

    /// <summary>Whether broken UTF-8 becomes U+FFFD instead of an error.</summary>
    public bool ReplaceInvalid { get; init; }

    /// <summary>How the row of lines is cut into samples: none (every so many tokens), complete (whole lines), complete_document, line.</summary>
    public BlockBreak Break { get; init; } = BlockBreak.None;

    /// <summary>Tokens of a sample, the first one included, which stands for the whole.</summary>
    public int Tokens { get; init; } = 512;

    /// <summary>Samples of a step, over all processes.</summary>
    public int Batch { get; init; } = 64;

    /// <inheritdoc/>
    public override string BatchInWords => $"{Batch} rows of {Tokens} tokens";

    /// <summary>How the text is read.</summary>
    public TextOptions Reading(Action<string>? warn) => new() { Format = Format, Column = Column, Documents = Documents, ReplaceInvalid = ReplaceInvalid, Warn = warn };
}
