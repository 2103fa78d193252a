// Connection strings, valid and malformed, given to both: the same endpoints, ports, options and printed form, or an
// error of both with the same text. What differs stands in a table of its own, with why, and must differ: it cannot go
// stale.
using System.Net;
using StackExchange.Redis;
using Xunit;

namespace Exchange;

public class Strings : World
{
    private const string Azure = "contoso.redis.cache.windows.net";

    private static readonly string[] Inputs =
    [
        "localhost", "localhost:6390", "127.0.0.1", "127.0.0.1:7000", "[::1]:6379", "[::1]", "::1", "h1:1,h2:2,h3",
        "!/run/redis.sock", "!/run/redis.sock,ssl=false", " h , allowAdmin = true ", "h,", ",h,,", ",", "h:", "h:0x10",
        "h,ssl=true", "h:6379,ssl=true", "h,ssl=TRUE", "h,SSL=yes", "h,ssl=1", "h,ssl=on", "h,ssl=", "ssl=true",
        "h,ssl=maybe",
        "h,ssl", "h,=x", "=x", "h,password=", "h,password=a=b==", "h,password=a b", "h,password= a ", "h,password=a,b",
        "h,user=u,password=p", "h,user=", "h,name=Core (Q&A)", "h,name=grüße",
        "h,syncTimeout=1", "h,syncTimeout=0", "h,syncTimeout=-1", "h,syncTimeout=ten", "h,syncTimeout=99999999999",
        "h,syncTimeout= 5 ", "h,syncTimeout=5.5", "h,syncTimeout=", "h,syncTimeout=+5", "h,syncTimeout=0x5",
        "h,syncTimeout=9000", "h,asyncTimeout=7", "h,asyncTimeout=0", "h,connectTimeout=5", "h,connectTimeout=-5",
        "h,connectRetry=0",
        "h,connectRetry=-1", "h,keepAlive=0", "h,keepAlive=-1", "h,keepAlive=180", "h,defaultDatabase=3",
        "h,defaultDatabase=-1",
        "h,defaultDatabase=x", "h,configCheckSeconds=5", "h,abortConnect=false", "h,abortConnect=true",
        "h,abortConnect=no",
        "h,allowAdmin=maybe", "h,ALLOWADMIN=true", "h,tiebreaker=t", "h,configChannel=c", "h,channelPrefix=p:",
        "h,resolveDns=true",
        "h,serviceName=mymaster,user=u,password=p", "h,proxy=twemproxy", "h,proxy=epoxy", "h,proxy=none",
        "h,sslHost=x.y", "h,sslProtocols=Tls12", "h,sslProtocols=Tls12|Tls13", "h,sslProtocols=NotAThing",
        "h,sslProtocols=15360",
        "h,protocol=resp3", "h,protocol=resp2", "h,protocol=3", "h,protocol=2", "h,protocol=4", "h,protocol=",
        "h,version=6.0",
        "h,version=5", "h,version=current", "h,version=2.1.1", "h,setlib=false", "h,highIntegrity=true",
        "h,tunnel=http://p:22",
        "h,tunnel=socks:x:1", "h,checkCertificateRevocation=false", "h,responseTimeout=5", "h,writeBuffer=5",
        "h,preserveAsyncOrder=true", "h,highPriorityThreads=true", "h,flibble=value", "h,caFile=/x", "h,instanceName=x",
        "h,$INFO=", "h,$SELECT=use", "h,$NOSUCHCMD=x", "h,$=x", "h,syncTimeout=1,syncTimeout=20",
        "h,h", "h:1,h:1", "h:70000", "h:-1", "h:65535", "h:65536", "h:port", "h;p", "h:6379;ssl=true",
        "redis://h:6379", "rediss://h", "redis://u:p@h:6379/2", "http://h", "h/1",
        Azure, Azure + ":6380", Azure + ",ssl=false", "x.redis.cache.chinacloudapi.cn",
        "h,sentinelUser=su,sentinelPassword=sp,serviceName=m",
        "", " ", "\t", "h\n", "h\t,ssl=true", "h,ssl=\ttrue",
    ];

    // Input, and why the two say something else of it.
    private static readonly Dictionary<string, string> Different = new()
    {
        ["h,serviceName=mymaster,user=u,password=p"] = "the port of a sentinel: .NET puts it in while it connects",
        ["h:70000"] = "an error of both: .NET's text names the parameter of a constructor, ours the endpoint",
        ["h:-1"] = "likewise",
        ["h:65536"] = "likewise",
        ["h,sentinelUser=su,sentinelPassword=sp,serviceName=m"] =
            "keys of StackExchange.Redis 3, the other side is 2.13",
        [""] = "an error of both: .NET has the parameter's name behind its text, we in front of ours",
        [" "] = "likewise",
        ["\t"] = "likewise",
    };

    // What .NET makes of it, in the words of the C side.
    private static string Net(string text)
    {
        try
        {
            return Seen(ConfigurationOptions.Parse(text));
        }
        catch (Exception error)
        {
            return $"error {error.Message}";
        }
    }

    public static string Seen(ConfigurationOptions options)
    {
        var ported = options.Clone();
        ported.SetDefaultPorts();
        var ports = ported.EndPoints.Select(point => point switch
        {
            DnsEndPoint dns => $" port={dns.Port}",
            IPEndPoint ip => $" port={ip.Port}",
            _ => " port=0",
        });
        return $"{options.ToString(includePassword: true)}"
            + $" syncTimeout={options.SyncTimeout} asyncTimeout={options.AsyncTimeout}"
            + $" connectTimeout={options.ConnectTimeout} connectRetry={options.ConnectRetry}"
            + $" keepAlive={options.KeepAlive}"
            + $" ssl={Convert.ToInt32(options.Ssl)} abortConnect={Convert.ToInt32(options.AbortOnConnectFail)}"
            + $" allowAdmin={Convert.ToInt32(options.AllowAdmin)}{string.Concat(ports)}";
    }

    public static string Seen(Func<string[]> ask)
    {
        try
        {
            var words = ask();
            return string.Join(' ', [Peer.Text(words[0]), .. words[1..]]);
        }
        catch (PeerException error)
        {
            return $"error {error.Message}";
        }
    }

    // .NET closes its messages with the parameter's name.
    public static bool IsSame(string c, string net)
    {
        if (!c.StartsWith("error "))
            return c == net;
        return net.StartsWith(c) && (net.Length == c.Length || net[c.Length..].StartsWith(" (Parameter "));
    }

    [Fact]
    public void The_same_of_both()
    {
        var peer = NewPeer();
        foreach (var text in Inputs)
        {
            string c = Seen(() => peer.Ask("parse", Peer.Word(text))), net = Net(text);
            var differs = Different.ContainsKey(text);
            Assert.True(IsSame(c, net) != differs, $"\"{text}\"\n  C    {c}\n  .NET {net}");
            if (differs && !text.Contains("erviceName"))
                Assert.StartsWith("error", c);
        }
    }
}
