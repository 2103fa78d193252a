// The caches of two levels that .NET has: what they keep in Redis are entries like all others. C sees them, with their
// expiry, under their keys; it can hold and bring back their bytes; and what it removes is gone for them.
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using ZiggyCreatures.Caching.Fusion;
using ZiggyCreatures.Caching.Fusion.Serialization.SystemTextJson;

namespace Exchange;

public class Levels : World
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ServiceProvider Services(Action<IServiceCollection> more)
    {
        var services = new ServiceCollection();
        services.AddStackExchangeRedisCache(options =>
        {
            options.Configuration = ConnectionString;
            options.InstanceName = "app:";
        });
        more(services);
        return Owned(services.BuildServiceProvider());
    }

    // A new one each time: its level in the process is empty.
    private HybridCache Hybrid() =>
        Services(services => services.AddHybridCache()).GetRequiredService<HybridCache>();

    private static readonly DistributedCacheEntryOptions FiveMinutes =
        new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromMinutes(5) };
    private static readonly HybridCacheEntryOptions TwentyMinutes = new() { Expiration = TimeSpan.FromMinutes(20) };

    private static ValueTask<string> Made(HybridCache cache, string value) => cache.GetOrCreateAsync("key",
        _ => ValueTask.FromResult(value), TwentyMinutes, ["red"], Token);

    // It answers before it has written.
    private static byte[] Written(IDistributedCache cache, string key, string text = "")
    {
        bool Is(byte[]? entry) => entry != null && System.Text.Encoding.UTF8.GetString(entry).Contains(text);
        Assert.True(SpinWait.SpinUntil(() => Is(cache.Get(key)), TimeSpan.FromMinutes(1)));
        return cache.Get(key)!;
    }

    [Fact]
    public async Task HybridCache_entries_are_seen_kept_and_removed()
    {
        Assert.Equal("first", await Made(Hybrid(), "first"));
        var c = Cache(Side.C, "app:");
        var entry = Written(c, "key");
        Assert.Contains("first", System.Text.Encoding.UTF8.GetString(entry));
        Assert.InRange(Remaining("app:key"), 1000_000, 1200_000);
        c.Remove("key");
        Assert.Equal("second", await Made(Hybrid(), "second"));
        Written(c, "key");
        c.Set("key", entry, FiveMinutes);
        Assert.Equal("first", await Made(Hybrid(), "third"));
    }

    // A tag's removal is an entry of its own: the moment from which on older entries with the tag count as gone.
    [Fact]
    public async Task HybridCache_tags_are_entries_that_C_can_read()
    {
        var hybrid = Hybrid();
        var c = Cache(Side.C, "app:");
        await Made(hybrid, "first");
        Written(c, "key");
        var before = DateTime.UtcNow.Ticks;
        await hybrid.RemoveByTagAsync("red", Token);
        Assert.InRange(BitConverter.ToInt64(Written(c, "__MSFT_HCT__red")), before, DateTime.UtcNow.Ticks);
        Assert.NotNull(c.Get("key"));
        Assert.Equal("second", await Made(hybrid, "second"));
    }

    // A HybridCache that has just begun asks for a tag's moment beside the entry: where the entry is here first, it is
    // taken as if the tag had not been removed. So the next one is asked until one had the moment first; without it
    // none ever renews.
    private async Task<bool> Renewed(string value)
    {
        var limit = DateTime.UtcNow.AddMinutes(1);
        while (DateTime.UtcNow < limit)
            if (await Made(Hybrid(), value) == value)
                return true;
        return false;
    }

    // Not only the bytes: what is read from either is the value of the other, and tags end both.
    [Fact]
    public async Task HybridCache_and_apphost_hybrid_are_one_kind_of_entry()
    {
        var peer = NewPeer();
        string Ask(string command, string key, params string[] more) => peer.Ask(
            [command, Peer.Word("cache"), Peer.Word("app:"), Peer.Word(key), .. more]).FirstOrDefault("");
        Ask("hybrid-set", "key", Peer.Word("from C, für alle"), Peer.Word("red"));
        Assert.Equal("from C, für alle", await Made(Hybrid(), "made"));
        await Hybrid().RemoveByTagAsync("red", Token);
        var c = Cache(Side.C, "app:");
        Written(c, "__MSFT_HCT__red");
        Assert.Equal("~", Ask("hybrid-get", "key"));
        c.Remove("key");
        Assert.Equal("from .NET", await Made(Hybrid(), "from .NET"));
        Written(c, "key");
        Assert.Equal("from .NET", Peer.Text(Ask("hybrid-get", "key")));
        Ask("hybrid-untag", "red");
        Assert.Equal("~", Ask("hybrid-get", "key"));
        Assert.True(await Renewed("made again"));
        Written(c, "key", "made again"); // else it comes over what is set next
        Ask("hybrid-set", "key", Peer.Word("plain"));
        Assert.Equal("plain", await Made(Hybrid(), "made"));
        Ask("hybrid-untag", "*");
        Assert.True(await Renewed("the last"));
    }

    private IFusionCache Fusion() => Services(services => services.AddFusionCache()
        .WithRegisteredDistributedCache().WithSerializer(new FusionCacheSystemTextJsonSerializer())
        .WithDefaultEntryOptions(options => options.SetDuration(TimeSpan.FromMinutes(20))))
        .GetRequiredService<IFusionCache>();

    [Fact]
    public async Task FusionCache_entries_are_seen_kept_and_removed()
    {
        Assert.Equal("first", await Fusion().GetOrSetAsync("key", "first", token: Token));
        var key = ((string[])Server.Execute("KEYS", "app:*")!).Single()[4..];
        Assert.EndsWith(":key", key);
        var c = Cache(Side.C, "app:");
        var entry = c.Get(key);
        Assert.NotNull(entry);
        Assert.Contains("\"first\"", System.Text.Encoding.UTF8.GetString(entry));
        Assert.InRange(Remaining("app:" + key), 1000_000, 1200_000);
        c.Remove(key);
        Assert.Equal("second", await Fusion().GetOrSetAsync("key", "second", token: Token));
        c.Set(key, entry, FiveMinutes);
        Assert.Equal("first", await Fusion().GetOrSetAsync("key", "third", token: Token));
    }
}
