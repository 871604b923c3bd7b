#!/bin/sh
# Bring up Apache Kafka from Maven Central artifacts, one node or a small cluster, for development and tests. See usage below.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml")

usage() {
    cat <<USAGE
usage: kafka.sh fetch | start | stop | kill | status | clean   [--port P] [--dir D] [--nodes N [--node I] [--clients PORTS]]

  fetch    download Apache Kafka $version with Maven (about 45 MB), once
  start    fetch if needed, start what does not run yet, wait until it answers
  stop     stop it, keep its data
  kill     end it at once (SIGKILL), keep its data
  status   say whether it runs; exit 0 if so, 3 if not
  clean    stop it and delete its data

  --port P         port on 127.0.0.1 (default: KAFKA_PORT or 19092); P+1 is taken for the controller
  --dir D          data, settings and log (default: KAFKA_DIR or .kafka in the repository)
  --nodes N        a cluster of N nodes, 1 to 9, each broker and controller; three copies of everything where N allows it.
                   Node I takes port P+10*(I-1) for clients, the next one for the controller, the one after for the others
  --node I         only this node of the cluster, from 1; the others are left as they are
  --clients PORTS  ports under which clients are told to find the nodes, separated by commas, where something stands in
                   between; the same at every start

  KAFKA_HEAP       memory of each node (default: 1g, in a cluster 512m)
USAGE
}

fail() { printf 'kafka.sh: %s\n' "$2" >&2; exit "$1"; }

is_number() { case $1 in '' | *[!0-9]*) return 1 ;; esac; }

command=${1:-}
[ $# -gt 0 ] && shift
first_port=${KAFKA_PORT:-19092}
root=${KAFKA_DIR:-$repository/.kafka}
nodes=1 only='' clients='' is_cluster=''
while [ $# -gt 0 ]; do
    case $1 in
        --port) [ $# -ge 2 ] || fail 2 "--port needs a number"; first_port=$2; shift 2 ;;
        --dir) [ $# -ge 2 ] || fail 2 "--dir needs a folder"; root=$2; shift 2 ;;
        --nodes) [ $# -ge 2 ] || fail 2 "--nodes needs a number"; nodes=$2 is_cluster=yes; shift 2 ;;
        --node) [ $# -ge 2 ] || fail 2 "--node needs a number"; only=$2; shift 2 ;;
        --clients) [ $# -ge 2 ] || fail 2 "--clients needs ports"; clients=$2; shift 2 ;;
        *) usage >&2; fail 2 "unknown option $1" ;;
    esac
done
is_number "$first_port" || fail 2 "--port: expected a number, got '$first_port'"
{ is_number "$nodes" && [ "$nodes" -ge 1 ] && [ "$nodes" -le 9 ]; } || fail 2 "--nodes: expected 1 to 9, got '$nodes'"
last_port=$((65534 - 10 * (nodes - 1)))
{ [ "$first_port" -ge 1024 ] && [ "$first_port" -le $last_port ]; } \
    || fail 2 "--port: expected 1024 to $last_port, got $first_port"
[ -z "$only" ] || { is_number "$only" && [ "$only" -ge 1 ] && [ "$only" -le "$nodes" ]; } \
    || fail 2 "--node: expected 1 to $nodes, got '$only'"
[ -n "$is_cluster" ] || [ -z "$only$clients" ] || fail 2 "--node and --clients belong to a cluster: give --nodes too"
[ -z "$clients" ] || [ "$(printf '%s' "$clients" | tr -cd , | wc -c)" -eq $((nodes - 1)) ] \
    || fail 2 "--clients: expected $nodes ports, got '$clients'"

libs=$repository/.kafka/libs-$version
cluster=$root/cluster-$first_port

# Everything below is about one node at a time: the one chosen here.
choose() {
    id=$1
    port=$((first_port + 10 * (id - 1)))
    if [ -n "$is_cluster" ]; then
        node=$cluster/node-$id template=cluster.properties.template heap=${KAFKA_HEAP:-512m}
        # Several share the cores, and are started again and again: little work for the collector and the compiler.
        tuning='-XX:+UseSerialGC -XX:TieredStopAtLevel=1'
    else
        node=$root/node-$port template=server.properties.template heap=${KAFKA_HEAP:-1g} tuning=-XX:+UseG1GC
    fi
    pid_file=$node/kafka.pid
    log=$node/kafka.log # of this start
}

each() {
    for number in ${only:-$(seq "$nodes")}; do
        choose "$number"
        "$@"
    done
}

need_java() {
    command -v java >/dev/null 2>&1 \
        || fail 2 "java is missing. Install a Java runtime 17 or newer (Debian: apt-get install openjdk-17-jre-headless)."
    major=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${major:-0}" -ge 17 ] || fail 2 "Kafka $version needs Java 17 or newer, found ${major:-unknown}."
}

need_maven() {
    command -v mvn >/dev/null 2>&1 || fail 2 "mvn is missing. Install Maven 3 (Debian: apt-get install maven)."
}

fetch() {
    [ -f "$libs/.complete" ] && return 0
    need_java
    need_maven
    printf 'kafka.sh: downloading Apache Kafka %s\n' "$version"
    mkdir -p "$libs"
    mvn --batch-mode --quiet -f "$here/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$libs" \
        || fail 1 "the download failed; Maven's message is above. Is Maven Central, or the mirror in ~/.m2/settings.xml, reachable?"
    touch "$libs/.complete"
}

running_pid() {
    [ -f "$pid_file" ] || return 1
    pid=$(cat "$pid_file")
    # The number may have gone to another program since. -ww: whoever sets COLUMNS would have the line cut.
    ps -ww -o args= -p "$pid" 2>/dev/null | grep -qF "$node/server.properties" && echo "$pid"
}

run_java() { java -cp "$libs/*" -Dlog4j2.configurationFile="$here/log4j2.properties" "$@"; }

# Sixteen random bytes as Kafka writes ids; one that began with '-' would be taken for an option.
new_id() { head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n' | sed 's/^-/A/'; }

# Controllers of the cluster, as every node of it has to know them from its first start on: ID@HOST:PORT:DIRECTORY,...
write_cluster() {
    [ -z "$is_cluster" ] || [ -f "$cluster/controllers" ] && return 0
    mkdir -p "$cluster"
    new_id >"$cluster/id"
    for number in $(seq "$nodes"); do
        printf '%s@127.0.0.1:%s:%s\n' "$number" $((first_port + 10 * (number - 1) + 1)) "$(new_id)"
    done | paste -s -d , >"$cluster/controllers"
}

client_port() { if [ -n "$clients" ]; then printf '%s' "$clients" | cut -d , -f "$id"; else echo "$port"; fi; }

controller_addresses() { # HOST:PORT,...
    if [ -n "$is_cluster" ]; then sed -e 's/[0-9]*@\([^:]*:[0-9]*\):[^,]*/\1/g' "$cluster/controllers"; else echo "127.0.0.1:$((port + 1))"; fi
}

write_settings() {
    mkdir -p "$node"
    copies=$nodes
    [ "$nodes" -le 3 ] || copies=3
    sed -e "s:@ID@:$id:g" -e "s:@PORT@:$port:g" -e "s:@CLIENT_PORT@:$(client_port):g" \
        -e "s:@CONTROLLER_PORT@:$((port + 1)):g" -e "s:@INTERNAL_PORT@:$((port + 2)):g" \
        -e "s/@CONTROLLERS@/$(controller_addresses)/g" -e "s:@COPIES@:$copies:g" \
        -e "s:@COPIES_IN_SYNC@:$(((copies + 2) / 2)):g" -e "s:@DIR@:$node:g" \
        "$here/$template" >"$node/server.properties"
    [ -f "$node/data/meta.properties" ] && return 0
    if [ -n "$is_cluster" ]; then
        set -- "$(cat "$cluster/id")" --initial-controllers "$(cat "$cluster/controllers")"
    else
        set -- "$(new_id)" --standalone
    fi
    run_java kafka.tools.StorageTool format -c "$node/server.properties" -t "$@" >>"$log" 2>&1 \
        || fail 1 "the data folder could not be formatted; see $log"
}

launch() {
    running_pid >/dev/null && return 0
    mkdir -p "$node"
    : >"$log"
    write_settings
    # A session of its own: the node outlives the terminal, and Ctrl-C there.
    detach=$(command -v setsid || command -v nohup)
    # shellcheck disable=SC2086  # several options
    "$detach" java -Xms256m -Xmx"$heap" $tuning -cp "$libs/*" -Dlog4j2.configurationFile="$here/log4j2.properties" \
        kafka.Kafka "$node/server.properties" >>"$log" 2>&1 </dev/null &
    echo $! >"$pid_file"
}

wait_until_ready() {
    tries=0
    while [ $tries -lt 900 ]; do
        running_pid >/dev/null || fail 1 "the node ended; the end of its log: $(tail -n 3 "$log")"
        # The broker unfences itself after it has caught up with the controller: only then clients get answers.
        if grep -q 'Kafka Server started' "$log"; then
            printf 'kafka.sh: Apache Kafka %s runs on 127.0.0.1:%s (process %s, log %s)\n' \
                "$version" "$port" "$(cat "$pid_file")" "$log"
            return 0
        fi
        sleep 0.1
        tries=$((tries + 1))
    done
    fail 1 "the node did not become ready in 90 s; see $log"
}

start() {
    need_java
    fetch
    write_cluster
    each launch
    each wait_until_ready # after all were started: most of them must be there before any is ready
}

ask_to_stop() {
    if pid=$(running_pid); then kill "$pid"; fi
}

stop() {
    if [ ! -f "$pid_file" ]; then
        printf 'kafka.sh: nothing runs on 127.0.0.1:%s\n' "$port"
        return 0
    fi
    tries=0
    while pid=$(running_pid); do
        [ $tries -eq 200 ] && kill -9 "$pid" 2>/dev/null
        sleep 0.1
        tries=$((tries + 1))
    done
    rm -f "$pid_file"
    printf 'kafka.sh: stopped on 127.0.0.1:%s\n' "$port"
}

end_at_once() {
    if pid=$(running_pid); then
        kill -9 "$pid"
        printf 'kafka.sh: killed on 127.0.0.1:%s\n' "$port"
    else
        printf 'kafka.sh: nothing runs on 127.0.0.1:%s\n' "$port"
    fi
    rm -f "$pid_file"
}

status() {
    if pid=$(running_pid); then
        printf 'kafka.sh: Apache Kafka %s runs on 127.0.0.1:%s (process %s)\n' "$version" "$port" "$pid"
    else
        printf 'kafka.sh: nothing runs on 127.0.0.1:%s\n' "$port"
        is_missing=yes
    fi
}

delete() { rm -rf "$node"; }

case $command in
    fetch) fetch ;;
    start) start ;;
    stop) each ask_to_stop; each stop ;;
    kill) each end_at_once ;;
    status) is_missing=''; each status; [ -z "$is_missing" ] || exit 3 ;;
    clean) each ask_to_stop; each stop; each delete; [ -n "$only" ] || [ -z "$is_cluster" ] || rm -rf "$cluster" ;;
    *) usage >&2; exit 2 ;;
esac
