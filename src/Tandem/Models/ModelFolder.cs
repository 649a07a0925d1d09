using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Tandem.Layers;
using Tandem.Models.Formats;
using Tandem.Networks;
using Tandem.Torch;

namespace Tandem.Models;

/// <summary>The architecture of an encoder: all that is needed to rebuild it.</summary>
/// <param name="Modality">image, audio or text.</param>
/// <param name="Trunk">The shared blocks.</param>
/// <param name="FrontEnd">The modality's side.</param>
public sealed record EncoderConfig(string Modality, TrunkOptions Trunk, FrontEndOptions FrontEnd)
{
    /// <summary>Builds the network at a store's root (<c>front</c>, <c>trunk</c>).</summary>
    public EncoderNetwork Build(WeightStore weights) =>
        new(CreateFrontEnd(weights.Root / "front", null), new Trunk(weights.Root / "trunk", Trunk, FrontEnd.PrenetDepth));

    /// <summary>Builds the front end alone; with a student's given, one that shares its local encoder.</summary>
    /// <exception cref="TandemException">The modality is unknown.</exception>
    public FrontEnd CreateFrontEnd(Weights at, FrontEnd? sharingLocalOf) => FrontEnd switch
    {
        ImageFrontEndOptions image => new ImageFrontEnd(at, image, Trunk, (sharingLocalOf as ImageFrontEnd)?.Patches),
        AudioFrontEndOptions audio => new AudioFrontEnd(at, audio, Trunk, (sharingLocalOf as AudioFrontEnd)?.Extractor),
        TextFrontEndOptions text => new TextFrontEnd(at, text, Trunk, (sharingLocalOf as TextFrontEnd)?.Embedding),
        _ => throw new TandemException(ErrorKind.Input, $"this version knows no modality '{Modality}'"),
    };
}

/// <summary>
/// The unit of exchange: a folder with <c>config.json</c>, <c>model.safetensors</c>, <c>preprocessing.json</c> and a model card. Loading it
/// never executes anything.
/// </summary>
public sealed class ModelFolder
{
    /// <summary>Version of the layout; later versions of Tandem read all earlier ones.</summary>
    const int Version = 1;

    static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NewLine = "\n",
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        RespectNullableAnnotations = true,
        MaxDepth = 64,
    };

    ModelFolder(string path, JsonObject config, EncoderConfig encoder, Preprocessing preprocessing)
    {
        Path = path;
        Config = config;
        Encoder = encoder;
        Preprocessing = preprocessing;
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary><c>config.json</c> as it stands.</summary>
    public JsonObject Config { get; }

    /// <summary>The architecture.</summary>
    public EncoderConfig Encoder { get; }

    /// <summary>How samples are prepared.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>The method that trained it, if it says so.</summary>
    public string? Method => Config["method"]?.GetValue<string>();

    /// <summary>The weights' file.</summary>
    public string WeightsPath => System.IO.Path.Combine(Path, "model.safetensors");

    /// <summary>Whether a folder looks like a model folder.</summary>
    public static bool IsModel(string path) => File.Exists(System.IO.Path.Combine(path, "config.json")) && File.Exists(System.IO.Path.Combine(path, "model.safetensors"));

    /// <summary>Writes a model folder; the folder must exist, files are written beside and renamed.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="encoder">The architecture.</param>
    /// <param name="preprocessing">How samples are prepared.</param>
    /// <param name="weights">All weights worth keeping, by our names; decoders may be among them.</param>
    /// <param name="about">Further fields for <c>config.json</c>: method, step, recipe.</param>
    /// <param name="card">The model card, Markdown.</param>
    public static void Save(string path, EncoderConfig encoder, Preprocessing preprocessing, WeightStore weights, JsonObject about, string card)
    {
        var config = new JsonObject
        {
            ["format"] = "tandem",
            ["version"] = Version,
            ["modality"] = encoder.Modality,
        };
        foreach (var (key, value) in about)
            config[key] = value?.DeepClone();
        config["parameters"] = weights.Parameters.Sum(p => p.Value.Count);
        config["trunk"] = JsonSerializer.SerializeToNode(encoder.Trunk, Json);
        config["front_end"] = JsonSerializer.SerializeToNode(encoder.FrontEnd, encoder.FrontEnd.GetType(), Json);
        AtomicFile.WriteText(System.IO.Path.Combine(path, "config.json"), config.ToJsonString(Json) + "\n");
        AtomicFile.WriteText(System.IO.Path.Combine(path, "preprocessing.json"), JsonSerializer.Serialize(preprocessing, preprocessing.GetType(), Json) + "\n");
        preprocessing.SaveFiles(path);
        AtomicFile.WriteText(System.IO.Path.Combine(path, "README.md"), card);
        Safetensors.Write(System.IO.Path.Combine(path, "model.safetensors"), weights.Values(), new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" });
    }

    /// <summary>Opens a model folder.</summary>
    /// <exception cref="TandemException">It is none, or its description cannot be read (<see cref="ErrorKind.Input"/>).</exception>
    public static ModelFolder Open(string path)
    {
        if (!IsModel(path))
        {
            throw new TandemException(ErrorKind.Input, File.Exists(path) || Directory.Exists(path) ? "this is no model folder" : "there is no such model", path,
                "a folder with config.json and model.safetensors, or a run folder with a checkpoint");
        }
        var file = System.IO.Path.Combine(path, "config.json");
        try
        {
            var config = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
            var version = config["version"]?.GetValue<int>() ?? 0;
            if (config["format"]?.GetValue<string>() != "tandem" || version is < 1 or > Version)
                throw new TandemException(ErrorKind.Input, $"the model's description is of {(version > Version ? $"version {version}, newer than this Tandem" : "another program")}", file, $"format tandem, version {Version} or earlier");
            var modality = config["modality"]!.GetValue<string>();
            var frontEnd = config["front_end"];
            FrontEndOptions? options = modality switch
            {
                "image" => frontEnd.Deserialize<ImageFrontEndOptions>(Json),
                "audio" => frontEnd.Deserialize<AudioFrontEndOptions>(Json),
                "text" => frontEnd.Deserialize<TextFrontEndOptions>(Json),
                _ => throw new TandemException(ErrorKind.Input, $"this version knows no modality '{modality}'", file, "image, audio or text"),
            };
            var encoder = new EncoderConfig(modality, config["trunk"].Deserialize<TrunkOptions>(Json)!, options!);
            file = System.IO.Path.Combine(path, "preprocessing.json");
            var text = File.ReadAllText(file);
            Preprocessing preprocessing = modality switch
            {
                "audio" => JsonSerializer.Deserialize<AudioPreprocessing>(text, Json)!,
                "text" => JsonSerializer.Deserialize<TextPreprocessing>(text, Json)!.LoadedFrom(path),
                _ => JsonSerializer.Deserialize<ImagePreprocessing>(text, Json)!,
            };
            return new ModelFolder(path, config, encoder, preprocessing);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException or NullReferenceException or FormatException)
        {
            throw new TandemException(ErrorKind.Input, $"the model's description cannot be read: {cause.Message}", file, inner: cause);
        }
    }

    /// <summary>Builds the encoder with its weights; parameters of decoders in the file are left alone.</summary>
    /// <param name="device">Where the weights shall lie.</param>
    /// <exception cref="TandemException">A weight is missing or of another shape.</exception>
    public (EncoderNetwork Network, WeightStore Weights) Load(Device device)
    {
        using var file = Safetensors.Open(WeightsPath);
        var store = WeightStore.From(name => file.Contains(name) ? file.Read(name) : null, WeightsPath, device);
        return (Encoder.Build(store), store);
    }
}
