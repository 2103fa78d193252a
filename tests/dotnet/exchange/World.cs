// What every test has: the server of ConnectionStrings__cache, a cache of each side on it, and the server's own word.
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.Options;
using StackExchange.Redis;
using Xunit;

// Some tests set variables of this process, and all of them share one server.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace Exchange;

public enum Side { C, Net }

public class World : IDisposable
{
    public static readonly string ConnectionString = Environment.GetEnvironmentVariable("ConnectionStrings__cache")!;

    private static readonly Lazy<ConnectionMultiplexer> Connection = new(() =>
        ConnectionMultiplexer.Connect(ConnectionString));
    private readonly List<IDisposable> owned = [];

    public static IDatabase Server => Connection.Value.GetDatabase();

    public World() => Server.Execute("FLUSHDB");

    public Peer NewPeer(string? folder = null) => Owned(new Peer(folder));

    public IDistributedCache Cache(Side side, string? instance = null, string connection = "cache") => side == Side.C
        ? new PeerCache(NewPeer(), connection, instance)
        : Owned(new RedisCache(Options.Create(new RedisCacheOptions
        {
            Configuration = Environment.GetEnvironmentVariable($"ConnectionStrings__{connection}"),
            InstanceName = instance,
        })));

    public static Side Other(Side side) => side == Side.C ? Side.Net : Side.C;

    // Milliseconds until the key expires, -1 for never, -2 for no such key.
    public static long Remaining(string key) => (long)Server.Execute("PTTL", key);

    public static string Field(string key, string field) => Server.HashGet(key, field).ToString();

    protected T Owned<T>(T item) where T : IDisposable
    {
        owned.Add(item);
        return item;
    }

    protected virtual void OnDispose()
    {
    }

    public void Dispose()
    {
        OnDispose();
        foreach (var item in owned)
            item.Dispose();
        GC.SuppressFinalize(this);
    }
}
