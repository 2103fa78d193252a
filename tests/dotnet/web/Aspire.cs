// What Aspire's packages for caching add to its client: the distributed cache and the output cache on the client's own
// connection. The packages themselves are not to be had where these tests are made; their client is.
using Microsoft.AspNetCore.OutputCaching.StackExchangeRedis;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Web;

public static class Aspire
{
    public static void AddRedisDistributedCache(this IHostApplicationBuilder builder, string name)
    {
        builder.AddRedisClient(name);
        builder.Services.AddStackExchangeRedisCache(_ => { });
        builder.Services.AddSingleton<IConfigureOptions<RedisCacheOptions>>(services =>
            new ConfigureOptions<RedisCacheOptions>(options =>
                options.ConnectionMultiplexerFactory = Factory(services)));
    }

    public static void AddRedisOutputCache(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOutputCache();
        builder.Services.AddStackExchangeRedisOutputCache(_ => { });
        builder.Services.AddSingleton<IConfigureOptions<RedisOutputCacheOptions>>(services =>
            new ConfigureOptions<RedisOutputCacheOptions>(options =>
                options.ConnectionMultiplexerFactory = Factory(services)));
    }

    private static Func<Task<IConnectionMultiplexer>> Factory(IServiceProvider services) =>
        () => Task.FromResult(services.GetRequiredService<IConnectionMultiplexer>());
}
