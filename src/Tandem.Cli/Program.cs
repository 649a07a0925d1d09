using System.Globalization;

// What is written for machines must not depend on where the machine stands: numbers, dates and comparisons are the same everywhere.
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.DefaultThreadCurrentUICulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;

return await Tandem.Cli.CommandLine.Run(args);
