// The C side as a child process, tests/dotnet/peer.c: a line there, a line back.
using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Caching.Distributed;

namespace Exchange;

public sealed class PeerException(string code, string parameter, string text) : Exception(text)
{
    public string Code { get; } = code;
    public string Parameter { get; } = parameter;
}

public sealed class Peer : IDisposable
{
    private readonly Process process;

    public Peer(string? folder = null, string? service = null)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("APPHOST_PEER")!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            WorkingDirectory = folder ?? "",
        };
        if (service != null)
            start.Environment["OTEL_SERVICE_NAME"] = service;
        process = Process.Start(start)!;
    }

    public static string Word(byte[]? bytes) =>
        bytes == null ? "~" : bytes.Length == 0 ? "." : Convert.ToHexStringLower(bytes);

    public static string Word(string? text) => Word(text == null ? null : Encoding.UTF8.GetBytes(text));

    public static byte[]? Bytes(string word) => word == "~" ? null : Convert.FromHexString(word.TrimEnd('.'));

    public static string Text(string word) => Encoding.UTF8.GetString(Bytes(word)!);

    // The words of the reply behind "ok".
    public string[] Ask(params string[] words)
    {
        process.StandardInput.WriteLine(string.Join(' ', words));
        process.StandardInput.Flush();
        var reply = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the C side has ended");
        var parts = reply.Split(' ');
        if (parts[0] == "ok")
            return parts[1..];
        throw new PeerException(parts[1], Text(parts[2]), Text(parts[3]));
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }
}

// The C library's cache in the shape of .NET's, so that one test can be written for writer and reader in any order.
public sealed class PeerCache(Peer peer, string connection, string? instance) : IDistributedCache
{
    private string[] Ask(string command, string key, params string[] more) =>
        peer.Ask([command, Peer.Word(connection), Peer.Word(instance), Peer.Word(key), .. more]);

    public byte[]? Get(string key) => Peer.Bytes(Ask("get", key)[0]);

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) =>
        Ask("set", key, Peer.Word(value), (options.AbsoluteExpiration?.ToUnixTimeMilliseconds() ?? 0).ToString(),
            Milliseconds(options.AbsoluteExpirationRelativeToNow), Milliseconds(options.SlidingExpiration));

    public void Refresh(string key) => Ask("refresh", key);

    public void Remove(string key) => Ask("remove", key);

    public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.Run(() => Get(key), token);

    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options,
        CancellationToken token = default) =>
        Task.Run(() => Set(key, value, options), token);

    public Task RefreshAsync(string key, CancellationToken token = default) => Task.Run(() => Refresh(key), token);

    public Task RemoveAsync(string key, CancellationToken token = default) => Task.Run(() => Remove(key), token);

    private static string Milliseconds(TimeSpan? span) => ((long)(span?.TotalMilliseconds ?? 0)).ToString();
}
