// Which pictures of a folder look most like the first one to an encoder?
//   dotnet run --project samples/Embed -- MODEL FOLDER
using System.Globalization;
using Tandem;
using Tandem.Data.Sources;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
using var encoder = Encoder.Load(args[0]);
using var pictures = PictureSource.Open(args[1]);
var embeddings = encoder.Embed(pictures).ToList();
foreach (var near in embeddings.Skip(1).OrderByDescending(other => other.Similarity(embeddings[0])).Take(5))
    Console.WriteLine($"{near.Similarity(embeddings[0]):0.000}  {near.Name}");
