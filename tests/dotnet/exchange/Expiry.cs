// Every kind of expiry: what each side writes is the same, and what the other does to it keeps its promise. The
// times are long, so that a slow machine is not taken for a wrong answer.
using Microsoft.Extensions.Caching.Distributed;
using Xunit;

namespace Exchange;

public class Expiry : World
{
    private const long Second = 1000, Loose = 200 * Second;

    private static DistributedCacheEntryOptions Relative(int seconds) =>
        new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(seconds) };

    private static DistributedCacheEntryOptions Absolute(int seconds) =>
        new() { AbsoluteExpiration = DateTimeOffset.UtcNow.AddSeconds(seconds) };

    private static DistributedCacheEntryOptions Sliding(int seconds) =>
        new() { SlidingExpiration = TimeSpan.FromSeconds(seconds) };

    private static void AssertAbout(long expected, long actual) =>
        Assert.InRange(actual, expected - Loose, expected);

    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void Never(Side writer)
    {
        Cache(writer).Set("key", [1], new());
        Assert.Equal(-1, Remaining("key"));
        Assert.Equal("-1", Field("key", "absexp"));
        Assert.Equal("-1", Field("key", "sldexp"));
        Cache(Other(writer)).Refresh("key");
        Assert.Equal(-1, Remaining("key"));
    }

    [Theory]
    [InlineData(Side.C, false)]
    [InlineData(Side.C, true)]
    [InlineData(Side.Net, false)]
    [InlineData(Side.Net, true)]
    public void An_absolute_end_is_not_moved_by_the_other(Side writer, bool isRelative)
    {
        Cache(writer).Set("key", [1], isRelative ? Relative(1000) : Absolute(1000));
        AssertAbout(1000 * Second, Remaining("key"));
        var end = new DateTime(long.Parse(Field("key", "absexp")), DateTimeKind.Utc);
        AssertAbout(1000 * Second, (long)(end - DateTime.UtcNow).TotalMilliseconds);
        Assert.Equal("-1", Field("key", "sldexp"));
        Server.Execute("PEXPIRE", "key", 300 * Second);
        var other = Cache(Other(writer));
        Assert.NotNull(other.Get("key"));
        other.Refresh("key");
        AssertAbout(300 * Second, Remaining("key"));
    }

    [Theory]
    [InlineData(Side.C, false)]
    [InlineData(Side.C, true)]
    [InlineData(Side.Net, false)]
    [InlineData(Side.Net, true)]
    public void A_sliding_window_is_started_anew_by_the_other(Side writer, bool byGet)
    {
        Cache(writer).Set("key", [1], Sliding(1000));
        AssertAbout(1000 * Second, Remaining("key"));
        Assert.Equal("-1", Field("key", "absexp"));
        Assert.Equal("10000000000", Field("key", "sldexp"));
        Server.Execute("PEXPIRE", "key", 300 * Second);
        var other = Cache(Other(writer));
        if (byGet)
            Assert.NotNull(other.Get("key"));
        else
            other.Refresh("key");
        AssertAbout(1000 * Second, Remaining("key"));
    }

    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void A_sliding_window_ends_at_the_absolute_end(Side writer)
    {
        var both = Relative(1000);
        both.SlidingExpiration = TimeSpan.FromSeconds(5000);
        Cache(writer).Set("key", [1], both);
        AssertAbout(1000 * Second, Remaining("key"));
        Server.Execute("PEXPIRE", "key", 300 * Second);
        Cache(Other(writer)).Refresh("key");
        AssertAbout(1000 * Second, Remaining("key"));
    }

    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void A_fraction_of_a_second_is_gone_at_once(Side writer)
    {
        var short_ = new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromMilliseconds(250) };
        Cache(writer).Set("key", [1], short_);
        Assert.Equal(-2, Remaining("key"));
        Assert.Null(Cache(Other(writer)).Get("key"));
    }

    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void Fractions_are_cut_off_once_and_kept_by_a_refresh(Side writer)
    {
        var odd = new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromMilliseconds(1000_750) };
        Cache(writer).Set("key", [1], odd);
        Assert.InRange(Remaining("key"), 1, 1000_000);
        Assert.Equal("10007500000", Field("key", "sldexp"));
        Server.Execute("PEXPIRE", "key", 300 * Second);
        Cache(Other(writer)).Refresh("key");
        AssertAbout(1000_750, Remaining("key"));
    }

    // It really ends: waited for, not slept for.
    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void Gone_for_the_other_when_it_ends(Side writer)
    {
        Cache(writer).Set("key", [1], Relative(2));
        var other = Cache(Other(writer));
        bool IsGone()
        {
            Thread.Sleep(50);
            return other.Get("key") == null;
        }
        Assert.True(SpinWait.SpinUntil(IsGone, TimeSpan.FromMinutes(1)));
        Assert.False(Server.KeyExists("key"));
    }

    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void An_end_in_the_past_is_the_same_error(Side writer)
    {
        var past = new DistributedCacheEntryOptions { AbsoluteExpiration = DateTimeOffset.UtcNow.AddMinutes(-1) };
        var error = Assert.ThrowsAny<Exception>(() => Cache(writer).Set("key", [1], past));
        Assert.StartsWith("The absolute expiration value must be in the future.", error.Message);
        Assert.Equal("AbsoluteExpiration",
            error is PeerException peer ? peer.Parameter : ((ArgumentException)error).ParamName);
        Assert.False(Server.KeyExists("key"));
    }

    // .NET refuses these when they are put into its options, C when they are used: with the same words.
    [Fact]
    public void Spans_that_are_not_positive_are_the_same_error()
    {
        var peer = NewPeer();
        foreach (var milliseconds in new[] { -60000, -1 })
        {
            var span = TimeSpan.FromMilliseconds(milliseconds);
            var net = Assert.Throws<ArgumentOutOfRangeException>(() =>
                new DistributedCacheEntryOptions { SlidingExpiration = span });
            AssertSame(net, () => Set(peer, "0", $"{milliseconds}"));
            net = Assert.Throws<ArgumentOutOfRangeException>(
                () => new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = span });
            AssertSame(net, () => Set(peer, $"{milliseconds}", "0"));
        }
    }

    private static void AssertSame(ArgumentOutOfRangeException net, Action act)
    {
        var error = Assert.Throws<PeerException>(act);
        Assert.Equal(net.ParamName, error.Parameter);
        Assert.StartsWith(error.Message, net.Message);
    }

    private static void Set(Peer peer, string relative, string sliding) =>
        peer.Ask("set", Peer.Word("cache"), "~", Peer.Word("key"), "01", "0", relative, sliding);

    // What .NET leaves behind, and we do not (its Set has no PERSIST): tests/PARITY-CLIENT.md.
    [Theory]
    [InlineData(Side.C, -1)]
    [InlineData(Side.Net, 1)]
    public void An_overwrite_without_expiry(Side writer, int sign)
    {
        Cache(Other(writer)).Set("key", [1], Relative(1000));
        Cache(writer).Set("key", [2], new());
        Assert.Equal(sign, Math.Sign(Remaining("key")));
    }
}
