// An ASP.NET program as a resource: a distributed cache, output caching, /health, and its spans to where the
// environment says. It asks the C side (tests/dotnet/peer.c) as a child, within the trace of the request.
using System.Diagnostics;
using Exchange;
using Microsoft.Extensions.Caching.Distributed;
using OpenTelemetry.Trace;
using Web;

var builder = WebApplication.CreateBuilder(args);
builder.AddRedisDistributedCache("cache");
builder.AddRedisOutputCache();
builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddAspNetCoreInstrumentation().AddOtlpExporter());
builder.Services.AddSingleton(new Peer(service: "web-c"));

var app = builder.Build();
var made = 0;
app.UseOutputCache();
app.MapHealthChecks("/health");
app.MapGet("/made", () => Interlocked.Increment(ref made).ToString()).CacheOutput();

// Stored here, read by C, said with the trace that both belong to.
app.MapGet("/both/{value}", async (string value, IDistributedCache cache, Peer peer) =>
{
    await cache.SetStringAsync("both", value,
        new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromMinutes(5) });
    string read;
    lock (peer)
    {
        peer.Ask("trace", Peer.Word(Activity.Current!.Id));
        read = Peer.Text(peer.Ask("get", Peer.Word("cache"), "~", Peer.Word("both"))[0]);
    }
    return $"{read} {Activity.Current.TraceId}";
});
app.Run();
