// Entries written by either side and read, refreshed and removed by the other.
using System.Text;
using Microsoft.Extensions.Caching.Distributed;
using Xunit;

namespace Exchange;

public class Entries : World
{
    private static readonly DistributedCacheEntryOptions Never = new();

    private static byte[] Every(int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte)(i * 7 + i / 256);
        return bytes;
    }

    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void Values_of_all_sizes(Side writer)
    {
        IDistributedCache writes = Cache(writer), reads = Cache(Other(writer));
        foreach (var length in new[] { 0, 1, 255, 16384, 1024 * 1024 })
        {
            writes.Set("key", Every(length), Never);
            Assert.Equal(Every(length), reads.Get("key"));
        }
    }

    // Keys of .NET are texts; every text's bytes are a key of C.
    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void Keys_of_any_text(Side writer)
    {
        IDistributedCache writes = Cache(writer), reads = Cache(Other(writer));
        var big = new string('k', 65536);
        foreach (var key in new[] { "", " ", "a\0b", "a\r\nb", "{tag}:x", "grüße", "ключ", "😀", big })
        {
            writes.Set(key, Encoding.UTF8.GetBytes("of " + key), Never);
            Assert.Equal(Encoding.UTF8.GetBytes("of " + key), reads.Get(key));
            reads.Remove(key);
            Assert.Null(writes.Get(key));
        }
    }

    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void Instance_names_are_one_prefix(Side writer)
    {
        foreach (var instance in new[] { "shop:", "é ", "0", "{h}" })
        {
            IDistributedCache writes = Cache(writer, instance), reads = Cache(Other(writer), instance);
            writes.Set("key", [1, 2], Never);
            Assert.True(Server.KeyExists(instance + "key"));
            Assert.Equal([1, 2], reads.Get("key"));
            Assert.Null(Cache(Other(writer)).Get("key"));
        }
    }

    // Two caches of one program, each with its server's name and its prefix: neither sees the other's entries.
    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void Keyed_caches(Side writer)
    {
        Environment.SetEnvironmentVariable("ConnectionStrings__pages", ConnectionString + ",defaultDatabase=1");
        Cache(writer, "s:").Set("key", [1], Never);
        Cache(writer, "p:", "pages").Set("key", [2], Never);
        Assert.Equal([1], Cache(Other(writer), "s:").Get("key"));
        Assert.Equal([2], Cache(Other(writer), "p:", "pages").Get("key"));
        Assert.False(Server.KeyExists("p:key"));
        Cache(Other(writer), "p:", "pages").Remove("key");
        Assert.Null(Cache(writer, "p:", "pages").Get("key"));
    }

    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void Overwritten_and_removed_by_the_other(Side writer)
    {
        IDistributedCache one = Cache(writer), other = Cache(Other(writer));
        one.Set("key", [1], Never);
        other.Set("key", [2, 2], Never);
        Assert.Equal([2, 2], one.Get("key"));
        other.Remove("key");
        Assert.Null(one.Get("key"));
        other.Remove("key");
        other.Refresh("key");
        Assert.False(Server.KeyExists("key"));
    }

    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public async Task Texts_and_asynchronous_calls(Side writer)
    {
        IDistributedCache writes = Cache(writer), reads = Cache(Other(writer));
        await writes.SetStringAsync("key", "grüße 😀", TestContext.Current.CancellationToken);
        Assert.Equal("grüße 😀", await reads.GetStringAsync("key", TestContext.Current.CancellationToken));
        await reads.RemoveAsync("key", TestContext.Current.CancellationToken);
        Assert.Null(await writes.GetAsync("key", TestContext.Current.CancellationToken));
    }

    // What get-or-create keeps of a value that does not exist (nothing_ms): for .NET, and for a plain get, it is
    // a miss.
    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void An_entry_without_data_is_a_miss(Side reader)
    {
        Server.HashSet("key", [new("absexp", DateTime.UtcNow.AddHours(1).Ticks), new("sldexp", -1)]);
        Assert.Null(Cache(reader).Get("key"));
        Cache(Other(reader)).Set("key", [1], Never);
        Assert.Equal([1], Cache(reader).Get("key"));
    }

    // A key of another type: the server's own word on both sides.
    [Theory]
    [InlineData(Side.C)]
    [InlineData(Side.Net)]
    public void A_key_of_another_type_is_an_error(Side reader)
    {
        Server.StringSet("key", "text");
        var error = Assert.ThrowsAny<Exception>(() => Cache(reader).Get("key"));
        Assert.Contains("WRONGTYPE", error.Message);
    }
}
