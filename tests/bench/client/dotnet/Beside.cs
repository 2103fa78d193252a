// The .NET side of tests/bench/client/beside: RedisCache on StackExchange.Redis, the same work as bench_beside.c.
// Usage: beside PORT SECONDS      One line a piece of work: name, calls a second, µs of processor time a call.
using System.Diagnostics;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.Options;

const int Tasks = 64;
var seconds = int.Parse(args[1]);
var data = new byte[1024];
var expiry = new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(1) };
var cache = new RedisCache(Options.Create(new RedisCacheOptions { Configuration = $"127.0.0.1:{args[0]}" }));
var self = Process.GetCurrentProcess();

void Check(byte[]? value)
{
    if (value?.Length != data.Length)
        throw new InvalidOperationException("no value");
}

void Report(string name, long calls, TimeSpan took, TimeSpan processor) =>
    Console.WriteLine(FormattableString.Invariant(
        $"{name} {calls / took.TotalSeconds:F0} {processor.TotalMicroseconds / calls:F2}"));

TimeSpan Processor()
{
    self.Refresh();
    return self.TotalProcessorTime;
}

// By one thread that waits, as the blocking calls of C.
void Measure(string name, Action work, int length)
{
    long calls = 0;
    var before = Processor();
    var since = Stopwatch.StartNew();
    for (; since.Elapsed.TotalSeconds < length; calls++)
        work();
    Report(name, calls, since.Elapsed, Processor() - before);
}

// By tasks that await, as .NET's programs do it.
async Task MeasureTasks(string name, Func<Task> work, int length)
{
    var before = Processor();
    var since = Stopwatch.StartNew();
    var counts = await Task.WhenAll(Enumerable.Range(0, Tasks).Select(_ => Task.Run(async () =>
    {
        long calls = 0;
        for (; since.Elapsed.TotalSeconds < length; calls++)
            await work();
        return calls;
    })));
    Report(name, counts.Sum(), since.Elapsed, Processor() - before);
}

cache.Set("k", data, expiry);
Measure("warm", () => Check(cache.Get("k")), 1);
Measure("get", () => Check(cache.Get("k")), seconds);
Measure("set", () => cache.Set("k", data, expiry), seconds);
await MeasureTasks("warm64", async () => Check(await cache.GetAsync("k")), 1);
await MeasureTasks("get64", async () => Check(await cache.GetAsync("k")), seconds);
await MeasureTasks("set64", () => cache.SetAsync("k", data, expiry), seconds);
self.Refresh();
Console.WriteLine($"memory {self.WorkingSet64 / 1024} 0");
