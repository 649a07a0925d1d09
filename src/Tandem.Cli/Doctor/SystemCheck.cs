using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Tandem.Cli.Doctor;

/// <summary>Tandem, .NET, the operating system, and what .NET needs of it.</summary>
sealed class SystemCheck : ICheck
{
    public string About => "system";

    public IEnumerable<Finding> Look()
    {
        yield return new(About, "tandem", State.Information, $"{AboutTandem.Version} ({AboutTandem.Commit ?? "no commit"})");
        yield return new(About, ".NET", State.Good, Environment.Version.ToString());
        yield return OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64
            ? new(About, "operating system", State.Good, RuntimeInformation.OSDescription)
            : new(About, "operating system", State.Broken, $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}", "Tandem runs on 64-bit x86 Linux");
        yield return Unicode();
    }

    /// <summary>Tokenizers normalise text. Without ICU .NET leaves everything but ASCII as it is, and tokens would silently differ.</summary>
    Finding Unicode()
    {
        var works = "\u00e9".Normalize(NormalizationForm.FormD).Length == 2;
        var invariant = AppContext.TryGetSwitch("System.Globalization.Invariant", out var set) && set;
        return works && !invariant
            ? new(About, "ICU (Unicode)", State.Good, CultureInfo.GetCultureInfo("de").EnglishName == "German" ? "works" : "normalises")
            : new(About, "ICU (Unicode)", State.Broken, "text is not normalised", "apt-get install libicu72 (or the libicu of this release), and DOTNET_SYSTEM_GLOBALIZATION_INVARIANT must not be set");
    }
}
