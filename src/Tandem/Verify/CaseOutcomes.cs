namespace Tandem.Verify;

/// <summary>The case is wrong or the computation differs: it fails with this reason, the others go on.</summary>
/// <param name="reason">One sentence for the report.</param>
public sealed class CaseFailedException(string reason) : Exception(reason);

/// <summary>The case cannot be checked here (a kind not built yet, a library that is missing): it is reported as skipped with this reason.</summary>
/// <param name="reason">One sentence for the report.</param>
public sealed class SkippedException(string reason) : Exception(reason);
