# Compose files that are taken over, and run: what their services said to each other, they say here.
load helpers

@test "init --from: a compose file with a password, data, a health check and a client comes up as it was meant" {
  cat >compose.yaml <<COMPOSE
name: $PROJECT
services:
  cache:
    image: $REDIS
    command: sh -c "redis-server --requirepass \$\$SECRET --appendonly yes --maxmemory 32mb"
    environment: {SECRET: pass}
    volumes: [data:/data]
    healthcheck: {test: ["CMD", "redis-cli", "ping"]}
  plain:
    image: $REDIS
  client:
    image: $REDIS
    command:
      - sh
      - -c
      - >-
        redis-cli -u \$\$REDIS_URL set said hello && redis-cli -h \$\$PLAIN_HOST set said too &&
        redis-cli -h \$\$PLAIN_HOST blpop nothing 0
    environment: {REDIS_URL: "redis://:pass@cache:6379", PLAIN_HOST: plain}
    healthcheck: {test: "[ \$\$(redis-cli -h \$\$PLAIN_HOST exists said) = 1 ]", interval: 100ms}
    depends_on: {cache: {condition: service_healthy}, plain: {condition: service_started}}
    stop_grace_period: 1s
  built:
    build: .
volumes: {data: }
COMPOSE
  ok apphost init --from compose.yaml
  says 'has to be built'
  ok apphost up -d
  ok apphost redis cache -- get said
  prints hello
  ok apphost redis plain -- get said
  prints too
  ok apphost redis cache -- config get maxmemory
  prints 33554432
  ok apphost redis cache -- config get appendonly
  prints yes
  ok apphost env --format dotenv
  prints 'pass@'
  ok apphost down -v
}

@test "init --from: replicas and sentinels of a compose file are one topology that forms" {
  cat >compose.yaml <<COMPOSE
name: $PROJECT
services:
  primary: {image: $REDIS}
  replica: {image: $REDIS, command: redis-server --replicaof primary 6379, depends_on: [primary]}
COMPOSE
  ok apphost init --from compose.yaml
  ok apphost up -d
  ok apphost redis primary -- info replication
  prints 'connected_slaves:1'
  ok apphost down
}
