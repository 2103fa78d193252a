// The same appsettings files and the same environment, given to both: what a client of that name would use. Aspire's
// own package reads them on the .NET side.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using StackExchange.Redis;
using Xunit;

namespace Exchange;

public sealed class Configured : World
{
    private readonly string folder = Directory.CreateTempSubdirectory("configured").FullName;
    private readonly List<string> variables = [];

    public Configured()
    {
        Environment.SetEnvironmentVariable("ConnectionStrings__cache", null);
        Environment.SetEnvironmentVariable("CACHE_URI", null);
    }

    private void File_(string name, string text) => File.WriteAllText(Path.Combine(folder, name), text);

    private void Variable(string name, string value)
    {
        Environment.SetEnvironmentVariable(name, value);
        variables.Add(name);
    }

    private string Net(string environment, string name, bool isKeyed)
    {
        try
        {
            var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings
            {
                ContentRootPath = folder,
                EnvironmentName = environment,
            });
            if (isKeyed)
                builder.AddKeyedRedisClient(name);
            else
                builder.AddRedisClient(name);
            using var host = builder.Build();
            var monitor = host.Services.GetRequiredService<IOptionsMonitor<ConfigurationOptions>>();
            var options = monitor.Get(isKeyed ? name : null);
            return options.EndPoints.Count > 0 ? Strings.Seen(options) : "error: no endpoint";
        }
        catch (Exception error)
        {
            return $"error: {error.Message}";
        }
    }

    private string C(string environment, string name, bool isKeyed) => Strings.Seen(() =>
        NewPeer(folder).Ask("configured", Peer.Word(folder), Peer.Word(environment),
            Peer.Word(name), isKeyed ? "1" : "0"));

    // The same options, or an error of both: their texts come from different readers.
    private void AssertSame(string expected, string environment = "Production", string name = "cache",
        bool isKeyed = false)
    {
        string c = C(environment, name, isKeyed), net = Net(environment, name, isKeyed);
        if (expected == "error")
        {
            Assert.StartsWith("error", net);
            Assert.StartsWith("error", c);
            return;
        }
        Assert.Equal(net, c);
        Assert.StartsWith(expected, net);
    }

    [Fact]
    public void A_connection_string_of_the_file()
    {
        File_("appsettings.json", """{"ConnectionStrings": {"cache": "one:1,ssl=true"}}""");
        AssertSame("one:1,ssl=True");
        AssertSame("one:1,ssl=True", isKeyed: true);
        AssertSame("error", name: "other");
    }

    [Fact]
    public void Comments_commas_and_a_byte_order_mark()
    {
        File_("appsettings.json", "\uFEFF{ // one\n \"connectionstrings\": {\"CACHE\": \"one:1\", /* two */ }, }");
        AssertSame("one:1");
    }

    [Fact]
    public void The_environments_file_and_the_variables_win()
    {
        File_("appsettings.json", """{"ConnectionStrings": {"cache": "one:1"}}""");
        File_("appsettings.Staging.json", """{"ConnectionStrings:cache": "two:2"}""");
        AssertSame("one:1");
        AssertSame("two:2", "Staging");
        Variable("ConnectionStrings__cache", "three:3,abortConnect=true");
        AssertSame("three:3,abortConnect=True", "Staging");
        Variable("ConnectionStrings__CACHE", "four:4");
        Variable("CONNECTIONSTRINGS__second", "five:5");
        AssertSame("five:5", name: "Second");
    }

    [Fact]
    public void Sections_and_which_of_them_wins()
    {
        File_("appsettings.json", """
            {"Aspire": {"StackExchange": {"Redis": {
              "ConnectionString": "top:1", "ConfigurationOptions": {"SyncTimeout": 111, "AllowAdmin": true},
              "cache": {"ConnectionString": "named:2", "ConfigurationOptions": {"SyncTimeout": 222}}}}}}
            """);
        AssertSame("named:2,syncTimeout=222,allowAdmin=True");
        AssertSame("named:2,syncTimeout=222,allowAdmin=True", isKeyed: true);
        AssertSame("top:1,syncTimeout=111,allowAdmin=True", name: "other");
        Variable("ConnectionStrings__cache", "string:3,syncTimeout=333");
        AssertSame("string:3,syncTimeout=222,allowAdmin=True");
        Variable("Aspire__StackExchange__Redis__cache__ConfigurationOptions__ConnectRetry", "7");
        AssertSame("string:3,syncTimeout=222,allowAdmin=True,connectRetry=7");
    }

    [Theory]
    [InlineData("AbortOnConnectFail", "true")]
    [InlineData("AllowAdmin", "True")]
    [InlineData("AsyncTimeout", "77")]
    [InlineData("ClientName", "me")]
    [InlineData("ConnectRetry", "0")]
    [InlineData("ConnectTimeout", "12")]
    [InlineData("DefaultDatabase", "4")]
    [InlineData("KeepAlive", "9")]
    [InlineData("Password", "a,b=c")]
    [InlineData("Protocol", "Resp3")]
    [InlineData("ServiceName", "m")]
    [InlineData("SetClientLibrary", "false")]
    [InlineData("Ssl", "true")]
    [InlineData("SslHost", "x.y")]
    [InlineData("SslProtocols", "Tls12")]
    [InlineData("TieBreaker", "t")]
    [InlineData("User", "u")]
    [InlineData("HighIntegrity", "true")]
    [InlineData("syncTIMEOUT", "5")]
    [InlineData("NoSuchThing", "5")]
    public void An_option_of_a_section(string option, string value)
    {
        Variable("ConnectionStrings__cache", "h:1");
        Variable("Aspire__StackExchange__Redis__ConfigurationOptions__" + option, value);
        AssertSame("h:1");
    }

    [Theory]
    [InlineData("SyncTimeout", "ten")]
    [InlineData("AllowAdmin", "maybe")]
    [InlineData("AllowAdmin", "1")]
    [InlineData("Protocol", "4.5")]
    [InlineData("ConnectRetry", "1.5")]
    public void A_value_of_the_wrong_type(string option, string value)
    {
        Variable("ConnectionStrings__cache", "h:1");
        Variable("Aspire__StackExchange__Redis__ConfigurationOptions__" + option, value);
        AssertSame("error");
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("{\"a\": 1, \"A\": 2}")]
    [InlineData("{\"a\": 1} x")]
    [InlineData("{\"a\": tru}")]
    [InlineData("{'a': 1}")]
    public void A_malformed_file(string text)
    {
        File_("appsettings.json", text);
        Variable("ConnectionStrings__cache", "h:1");
        AssertSame("error");
    }

    [Theory]
    [InlineData("h:1,flibble=2")]
    [InlineData("h:1,syncTimeout=ten")]
    [InlineData("h:port")]
    [InlineData(" ")]
    public void A_malformed_connection_string(string text)
    {
        Variable("ConnectionStrings__cache", text);
        AssertSame("error");
    }

    [Fact]
    public void Nothing_at_all() => AssertSame("error");

    // What .NET does not read, and we do (tests/PARITY-CLIENT.md): the URI that apphost hands out beside the string.
    [Fact]
    public void A_URI_is_ours_alone()
    {
        Variable("CACHE_URI", "redis://one:1/2");
        Assert.StartsWith("error", Net("Production", "cache", false));
        Assert.StartsWith("one:1,defaultDatabase=2", C("Production", "cache", false));
        Variable("ConnectionStrings__cache", "two:2");
        AssertSame("two:2");
    }

    protected override void OnDispose()
    {
        foreach (var name in variables)
            Environment.SetEnvironmentVariable(name, null);
        Environment.SetEnvironmentVariable("ConnectionStrings__cache", ConnectionString);
        Directory.Delete(folder, true);
    }
}
