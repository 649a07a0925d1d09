namespace Tandem.Data.Images;

/// <summary>How a file becomes RGB.</summary>
public enum PictureReading
{
    /// <summary>
    /// As the published recipes see pictures (Pillow and torchvision's image folders): EXIF orientation ignored, alpha dropped without
    /// compositing, 16-bit grey clipped at 255.
    /// </summary>
    Published,

    /// <summary>As people expect: turned by EXIF, alpha composited on white, 16 bits scaled.</summary>
    Natural,
}

/// <summary>File formats, told by their first bytes.</summary>
public enum PictureFormat
{
    /// <summary>None of those below.</summary>
    Unknown,
    /// <summary>JPEG, through libturbojpeg.</summary>
    Jpeg,
    /// <summary>PNG, through libspng.</summary>
    Png,
    /// <summary>WebP, through libwebp.</summary>
    Webp,
    /// <summary>Windows bitmap.</summary>
    Bmp,
    /// <summary>Netpbm: PBM, PGM, PPM, plain and raw.</summary>
    Pnm,
    /// <summary>GIF, its first frame.</summary>
    Gif,
    /// <summary>TIFF, its first page.</summary>
    Tiff,
    /// <summary>AVIF or HEIC: recognised, not read.</summary>
    Avif,
}
