// Both sides on one key at the same moment: nobody reads half of anything, and no entry is left without its expiry.
using Microsoft.Extensions.Caching.Distributed;
using Xunit;

namespace Exchange;

public class Together : World
{
    private const int Rounds = 300, Workers = 3, Length = 20000;

    private static readonly DistributedCacheEntryOptions Ends = new()
    {
        AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(1),
        SlidingExpiration = TimeSpan.FromMinutes(30),
    };

    // A value is one byte all over: one that was mixed of two is seen.
    private static void AssertWhole(byte[]? value)
    {
        if (value == null)
            return;
        Assert.Equal(Length, value.Length);
        Assert.Equal(-1, value.AsSpan().IndexOfAnyExcept(value[0]));
    }

    private static void Work(IDistributedCache cache, int worker)
    {
        var random = new Random(worker);
        var value = new byte[Length];
        Array.Fill(value, (byte)(worker + 1));
        for (var i = 0; i < Rounds; i++)
        {
            var key = $"key{random.Next(3)}";
            switch (random.Next(8))
            {
                case 0: cache.Remove(key); break;
                case 1: cache.Refresh(key); break;
                case 2 or 3 or 4: cache.Set(key, value, Ends); break;
                default: AssertWhole(cache.Get(key)); break;
            }
        }
    }

    [Fact]
    public async Task Everybody_at_once()
    {
        var workers = new List<Task>();
        for (var i = 0; i < Workers; i++)
        {
            var worker = i;
            IDistributedCache c = Cache(Side.C), net = Cache(Side.Net);
            workers.Add(Task.Run(() => Work(c, worker)));
            workers.Add(Task.Run(() => Work(net, worker + 100)));
        }
        await Task.WhenAll(workers);
        foreach (var key in new[] { "key0", "key1", "key2" })
            Assert.NotEqual(-1, Remaining(key));
    }

    // C's writes are one transaction: whoever looks in between sees an entry with its end. .NET's are two commands.
    [Fact]
    public async Task An_entry_of_C_is_never_without_its_end()
    {
        var c = Cache(Side.C);
        var writer = Task.Run(() =>
        {
            for (var i = 0; i < Rounds * 3; i++)
            {
                c.Set("key", [1], Ends);
                c.Remove("key");
            }
        }, TestContext.Current.CancellationToken);
        while (!writer.IsCompleted)
            Assert.NotEqual(-1, Remaining("key"));
        await writer;
    }
}
