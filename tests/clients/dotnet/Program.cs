// StackExchange.Redis by the connection string alone: what was stored comes back.
using System;
using StackExchange.Redis;

using var connection = ConnectionMultiplexer.Connect(Environment.GetEnvironmentVariable("ConnectionStrings__cache"));
var database = connection.GetDatabase();
database.StringSet("stackexchange", args[0]);
Console.WriteLine(database.StringGet("stackexchange"));
