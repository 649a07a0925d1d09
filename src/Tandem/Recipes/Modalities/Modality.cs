using Tandem.Data;
using Tandem.Data.Sources;
using Tandem.Layers;
using Tandem.Models;
using Tandem.Networks;
using Tandem.Runs;

namespace Tandem.Recipes.Modalities;

/// <summary>What the section <c>model</c> of every recipe says; each modality adds its front end.</summary>
public abstract record ModelOptions
{
    /// <summary>A model folder, run or checkpoint whose weights training starts from; null: fresh weights.</summary>
    public string? Init { get; init; }

    /// <summary>The shared blocks.</summary>
    public TrunkOptions Trunk { get; init; } = new();
}

/// <summary>Refuses a recipe unless something holds.</summary>
/// <param name="holds">What must hold.</param>
/// <param name="key">The key at fault.</param>
/// <param name="message">What is wrong.</param>
/// <param name="expected">What would be right.</param>
public delegate void Requirement(bool holds, string key, string message, string expected);

/// <summary>
/// What a recipe says of its data and model, for one modality, and how that becomes sources, batches and an encoder. Methods know nothing of it.
/// </summary>
public abstract class Modality
{
    /// <summary>Names of the modalities that this version knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["image", "audio", "text"];

    /// <summary>Binds the sections <c>data</c> and <c>model</c> of a recipe.</summary>
    /// <exception cref="TandemException">There is no such modality, or a value is wrong (<see cref="ErrorKind.Usage"/>).</exception>
    public static Modality Read(RecipeDocument document) => document.Text("data.modality", "image", "what is learned from: image, audio or text") switch
    {
        "image" => new ImageModality(document),
        "audio" => new AudioModality(document),
        "text" => new TextModality(document),
        var other => throw new TandemException(ErrorKind.Usage, $"there is no modality '{other}'", $"data.modality ({document.OriginOf("data.modality")})", string.Join(", ", Names)),
    };

    /// <summary>The section <c>data</c>.</summary>
    public abstract DataOptions Data { get; }

    /// <summary>The section <c>model</c>.</summary>
    public abstract ModelOptions Model { get; }

    /// <summary>The modality's side of the network.</summary>
    public abstract FrontEndOptions FrontEnd { get; }

    /// <summary>The encoder's architecture.</summary>
    public EncoderConfig Encoder => new(Data.Modality, Model.Trunk, FrontEnd);

    /// <summary>How samples are prepared when the encoder is used; for texts only after <see cref="Open"/>, which finds or trains the vocabulary.</summary>
    public abstract Preprocessing Preprocessing { get; }

    /// <summary>What samples are called in training: pictures, recordings, rows of tokens.</summary>
    public virtual string Samples => Preprocessing.Samples;

    /// <summary>Input and front end in words, for the model card.</summary>
    public abstract string InputInWords { get; }

    /// <summary>Settings of this modality that contradict each other.</summary>
    /// <param name="require">Refuses the recipe.</param>
    public abstract void Check(Requirement require);

    /// <summary>Opens what is trained on.</summary>
    /// <param name="note">Hears of what is worth knowing.</param>
    /// <param name="resumed">The model folder of the checkpoint that a run goes on from, whose preprocessing holds; null for a new run.</param>
    /// <param name="stop">Ends the opening where it takes long: nothing is left behind.</param>
    /// <exception cref="TandemException">There is no data, or not of this modality.</exception>
    public abstract Source Open(Action<string>? note, string? resumed = null, CancellationToken stop = default);

    /// <summary>Micro-batches to train on, with masks.</summary>
    /// <param name="source">What <see cref="Open"/> gave.</param>
    /// <param name="copies">Masked copies of a sample.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="first">Number of the first micro-batch.</param>
    /// <param name="warn">Hears of samples that were replaced.</param>
    public abstract IBatchStream Batches(Source source, int copies, long seed, long first, Action<string>? warn = null);

    /// <summary>Where the samples that reports show come from; the source itself, unless that has none that people would want to see.</summary>
    /// <param name="source">What <see cref="Open"/> gave.</param>
    public virtual Source Shown(Source source) => source;

    /// <summary>A sample as reports name it, with its text where it is one; <see cref="Picture"/> is what it looks like.</summary>
    /// <param name="source">What <see cref="Shown"/> gave, or labelled data of this modality.</param>
    /// <param name="sample">Its number.</param>
    public virtual SamplePreview Preview(Source source, int sample) => new(source.Name(sample), LabelOf(source, sample));

    /// <summary>A sample as a thumbnail, all of one size; null where samples have no looks.</summary>
    /// <param name="source">What <see cref="Shown"/> gave, or labelled data of this modality.</param>
    /// <param name="sample">Its number.</param>
    /// <exception cref="TandemException">It cannot be read.</exception>
    public virtual Thumbnail? Picture(Source source, int sample) => null;

    /// <summary>Places of a masked sample as reports show them: a picture under the mask, or a text a place.</summary>
    /// <param name="batch">A batch of training.</param>
    /// <param name="row">A sample of it.</param>
    public abstract (byte[]? Png, IReadOnlyList<string>? Texts) Places(Batch batch, int row);

    /// <summary>The path, which must be set.</summary>
    protected string DataPath(string example) => Data.Path ?? throw new TandemException(ErrorKind.Usage, "there is no data to train on", "data.path", "data=PATH", $"Add for example: data={example}");

    /// <summary>The class of a sample by name.</summary>
    protected static string? LabelOf(Source source, int sample) => source.Label(sample) is { } label && source.ClassNames is { } names ? names[label] : null;
}
