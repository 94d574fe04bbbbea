//! What follows the options in the help of each command. Lines fit a terminal of 80 columns.

macro_rules! filter {
    () => {
        "\
A FILTER is the part of tcpdump's language that the service can express: tcp,
udp, icmp, proto 47, src host 192.0.2.1, dst port 443 and the like, joined by
`and`. Without one every packet is taken.
"
    };
}

pub(super) const PCAPS: &str = "\
What is not given as an option is looked for in the environment, then in the
profile:
  option      variable               profile       without any
  --profile   PCAPS_PROFILE          *             the profile `default`
  --account   CLOUDFLARE_ACCOUNT_ID  account
  --base-url  CLOUDFLARE_BASE_URL    base_url      Cloudflare's API
  --colo      PCAPS_COLO             colo
  --bucket    PCAPS_BUCKET           bucket
Profiles are tables of the configuration file, such as [profile.edge]; * its key
default_profile names the one to go by. It is pcaps/config.toml in
$XDG_CONFIG_HOME, ~/.config or %APPDATA%, or the file that PCAPS_CONFIG names.

Credentials are the first that are there; no option takes any:
  CLOUDFLARE_API_TOKEN     an API token (preferred)
  CLOUDFLARE_API_KEY       the global API key, with CLOUDFLARE_EMAIL
  `pcaps auth login`       a token that it has kept for the profile

Formats of --output:
  table    for people; it may change with any version
  json     one document (--json for short)
  ndjson   a document a line: of a list one for each element
  yaml     one document
  id       ids of captures or buckets, one a line; refused where there are none
  csv      rows, of `query` only
What documents hold, `pcaps schema COMMAND` tells, and --fields picks from it.

Exit codes:
    0  done
    1  anything that has no code below
    2  usage or invalid input
    3  authentication or permission
    4  not found
    5  rate limited
    6  the capture failed
    7  the deadline passed
    8  a partial result
  130  interrupted

Examples:
  pcaps capture --simulate -o sample.pcap         try it: no account needed
  pcaps capture udp and dst port 53 -o dns.pcap   the last five minutes' queries
  pcaps stats dns.pcap                            what is in a capture file";

pub(super) const CAPTURE: &str = concat!(
    "\
A sample looks back at traffic that has already passed, over all data centres,
at the first 160 bytes of each packet. The service takes one sample a minute.

",
    filter!(),
    "
Examples:
  pcaps capture udp and dst port 53 -o dns.pcap
  pcaps capture 'src host 203.0.113.7' --time-limit 1m -o client.pcap
  pcaps capture --at 2026-11-23T10:00:00Z --packets 500 -o attack.pcap
  pcaps capture icmp -o - | tcpdump -nr -
  pcaps capture icmp -o icmp.pcap --open wireshark
  pcaps capture full tcp --colo ORD --bucket gs://captures -o full.pcap
  pcaps capture --at 2026-11-23T10:00:00Z -o attack.pcap --dry-run
  pcaps capture --simulate -o sample.pcap         no account needed"
);

pub(super) const CAPTURE_FULL: &str = concat!(
    "\
A full capture watches one data centre for new packets, whole. Its files go to
a bucket that has been proven to be yours once (`pcaps bucket prove URI`);
when it has finished they are fetched and merged, as `pcaps fetch` does.

Ctrl-C ends the capture early, and collects what it has taken; once more, it
leaves at once, and says which command goes on.

",
    filter!(),
    "
Examples:
  pcaps capture full --colo ORD --bucket gs://captures/edge -o edge.pcap
  pcaps capture full udp --colo ord02 --bucket gs://captures --time-limit 10m \\
      -o udp.pcap
  pcaps capture full tcp --colo ORD --bucket gs://captures --bytes 500MB -o - |
      tcpdump -nr -"
);

pub(super) const START: &str = "\
Examples:
  pcaps start sample tcp and dst port 443
  pcaps start full --colo ORD --bucket gs://captures/edge";

pub(super) const SAMPLE: &str = concat!(
    filter!(),
    "
Examples:
  pcaps start sample tcp and dst port 443
  id=$(pcaps start sample udp --output id)"
);

pub(super) const FULL: &str = concat!(
    "\
A full capture watches one data centre for new packets, whole. Its files go to
a bucket that has been proven to be yours once (`pcaps bucket prove URI`).
One runs at a time; `pcaps stop ID` ends it early.

",
    filter!(),
    "
Examples:
  pcaps start full --colo ORD --bucket 's3://captures/edge?region=us-east-2'
  pcaps start full udp --colo ord02 --bucket gs://captures --time-limit 10m
  pcaps start full tcp --colo ord02 --bucket gs://captures --bytes 500MB
  pcaps start full --colo ORD --bucket gs://captures --dry-run"
);

pub(super) const LIST: &str = "\
A terminal that is too narrow for all columns gets the most telling ones;
`pcaps show ID` and --json leave out nothing.

Examples:
  pcaps list
  pcaps list --output id
  pcaps list --fields id,status,filter_v1.source_address
  pcaps list --json | jq -r '.[] | select(.status == \"success\") | .id'";

pub(super) const SHOW: &str = "\
Examples:
  pcaps show 66062c9d5dd1a5ac8e6d9c4b3e1e2f70
  pcaps show 66062c9d5dd1a5ac8e6d9c4b3e1e2f70 --json";

pub(super) const WAIT: &str = "\
Ends with exit code 6 when the capture failed, and 7 when the timeout passed;
then the capture goes on at the service.

Examples:
  pcaps wait 66062c9d5dd1a5ac8e6d9c4b3e1e2f70
  pcaps wait 66062c9d5dd1a5ac8e6d9c4b3e1e2f70 --timeout 10m";

pub(super) const STOP: &str = "\
Examples:
  pcaps stop 66062c9d5dd1a5ac8e6d9c4b3e1e2f70";

pub(super) const DOWNLOAD: &str = "\
The file appears only when it has arrived whole and every record in it has been
read; a file that was there before stays as it was until then. The files of
full captures are in their bucket.

Examples:
  pcaps download 66062c9d5dd1a5ac8e6d9c4b3e1e2f70 -o dns.pcap
  pcaps download 66062c9d5dd1a5ac8e6d9c4b3e1e2f70 -o - | tcpdump -nr -";

pub(super) const FETCH: &str = "\
A full capture leaves a file in its bucket for each machine that saw traffic.
They are fetched into FILE.parts, checked, and merged in the order of time. If
this ends early, the same command goes on from there and fetches nothing twice.

Files may come late: until there are as many packets as the service reports,
the bucket is looked at again, for as long as --settle says.

Exit code 8 says that packets are missing: a file is torn, has vanished or has
not come, or the capture failed. What there is is in FILE. With --delete-remote
files that are torn stay in the bucket. Credentials of the bucket come from the
environment.

Examples:
  pcaps fetch 66062c9d5dd1a5ac8e6d9c4b3e1e2f70 -o edge.pcap
  pcaps fetch 66062c9d5dd1a5ac8e6d9c4b3e1e2f70 -o edge.pcap --delete-remote
  pcaps fetch 66062c9d5dd1a5ac8e6d9c4b3e1e2f70 --split edge
  pcaps fetch 66062c9d5dd1a5ac8e6d9c4b3e1e2f70 -o - | tcpdump -nr -";

pub(super) const HISTORY: &str = concat!(
    "\
A sample looks back over five minutes at most, holds 10,000 packets at most, and
the service takes one a minute. So the range is asked for in windows of five
minutes, from the oldest on; then those that have more packets than fit into a
sample are asked for again in halves, down to a second. What two samples hold
both is there once. It takes as many minutes as there are windows.

What has been taken is in FILE.parts meanwhile: ended at any moment, the same
goes on with --resume. When --max-time is over, what there is is in FILE, and
--resume goes on too.

Exit code 8 says that packets are missing: a second had more than a sample
holds, a window could not be taken, or the time ran out.

",
    filter!(),
    "
Examples:
  pcaps history --since 2h -o past.pcap
  pcaps history udp and dst port 53 --since 6h --until 4h -o dns.pcap
  pcaps history --from 2026-11-23T10:00:00Z --to 2026-11-23T11:00:00Z \\
      -o hour.pcap
  pcaps history --resume -o past.pcap
  pcaps history --since 3m --simulate -o past.pcap   no account needed"
);

pub(super) const WATCH: &str = concat!(
    "\
Each file is named after its time, such as
20261123T100000Z-20261123T100500Z.pcap, and begins where the one before ends.
The first has what has just passed. When a sample is full, its halves are asked
for, one a minute, as long as there is time until the next file; what is missing
then is told. When there are more than --keep files, the oldest go; files of
other names stay. Failures that pass are sat out.

It goes on until Ctrl-C, which is no failure. The same command goes on where
the last file ends, as far as that would still be kept. Results are printed as
files come, one document after the other: with --output ndjson a line for each.

The service takes one sample a minute of an account: where traffic is heavy, a
watch takes them all, and `pcaps capture` has to wait for its turn.

",
    filter!(),
    "
Examples:
  pcaps watch recent
  pcaps watch recent udp and dst port 53 --keep 12
  pcaps watch day --every 1h
  pcaps watch recent --output ndjson | jq -r '.file.path'
  pcaps merge recent/*.pcap -o hours.pcap            what there is, in one file
  pcaps watch made-up --simulate                     no account needed"
);

pub(super) const BUCKET: &str = "\
A bucket's URI is one of
  s3://<bucket>/<folder>?region=<region>
  gs://<bucket>/<folder>
  r2://<bucket>/<folder>?account-id=…
R2 needs &access-key-id=…&secret-access-key=… as well, to be registered.

`prove` does all that a bucket needs once. `add` and `validate` are its steps,
for a bucket that cannot be read from here.

Examples:
  pcaps bucket prove 's3://captures/edge?region=us-east-2'
  pcaps bucket prove - < uri.txt
  pcaps bucket list
  pcaps bucket add gs://captures/edge
  pcaps bucket validate gs://captures/edge --challenge - < challenge.txt";

pub(super) const PROVE: &str = "\
Sees whether the bucket can be listed and read, registers it, waits for the
challenge that the service writes into it, sends that, and waits until the
service has validated the bucket: five to ten minutes. Ended at any moment, the
same command goes on from there; of a bucket that is validated it does nothing.

Credentials of the bucket come from the environment:
  S3   AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile of
       ~/.aws/credentials (AWS_PROFILE), a web identity, the machine's role;
       AWS_ENDPOINT_URL_S3 names another server
  GCS  GOOGLE_APPLICATION_CREDENTIALS, or what
       `gcloud auth application-default login` has left, or the machine's
  R2   the keys in the URI, or R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY

Ends with exit code 3 when the bucket may not be listed or read, 4 when it or
the challenge is not there, and 7 when the timeout passed.

Examples:
  pcaps bucket prove 's3://captures/edge?region=us-east-2'
  pcaps bucket prove gs://captures/edge --timeout 1h
  pcaps bucket prove - < uri.txt
  pcaps bucket prove gs://captures/edge --simulate   no account needed";

pub(super) const ADD: &str = "\
Examples:
  pcaps bucket add gs://captures/edge
  pcaps bucket add - < uri.txt";

pub(super) const BUCKETS: &str = "\
Examples:
  pcaps bucket list
  pcaps bucket list --json | jq -r '.[] | select(.status != \"success\") | .id'";

pub(super) const VALIDATE: &str = "\
Examples:
  pcaps bucket validate gs://captures/edge --challenge - < challenge.txt";

pub(super) const REMOVE: &str = "\
Examples:
  pcaps bucket remove 9883874ecac311ec8475433579a6bf5f
  pcaps bucket remove 9883874ecac311ec8475433579a6bf5f --yes";

pub(super) const AUTH: &str = "\
Examples:
  pcaps auth login
  pcaps auth status";

pub(super) const LOGIN: &str = "\
Asks for an API token, which does not show while it is typed, and for the
account's id if neither --account, the environment nor the profile has it.
Without a terminal the token is read from standard input; no option takes it.

The service is asked what the token is good for, and one that it does not know
is not kept. It is kept in credentials.json beside the configuration file, which
only you can read; on macOS and Windows in the system's keyring if that answers.
It is sent to no other place than it was kept for (--base-url). The account, and
another base URL than Cloudflare's, are written into the profile.

Tokens are made in Cloudflare's dashboard (My Profile, API Tokens), with the
permission \"Magic Firewall Packet Captures - Write PCAPs API\" on the account,
or \"... - Read PCAPs API\" to look at captures only.

Examples:
  pcaps auth login
  pcaps auth login --profile lab --account 0123456789abcdef0123456789abcdef
  pass cloudflare/token | pcaps auth login --account 0123456789abcdef";

pub(super) const STATUS: &str = "\
The service is asked for the list of captures, and to stop one that does not
exist: what it says to that tells whether captures may be started. Nothing is
changed. Ends with exit code 3 when there are no credentials, or they are good
for nothing.

Examples:
  pcaps auth status
  pcaps auth status --profile lab
  pcaps auth status --json | jq .permissions";

pub(super) const LOGOUT: &str = "\
The token stays valid at the service: to end that, delete it in Cloudflare's
dashboard. What variables say stays, too.

Examples:
  pcaps auth logout
  pcaps auth logout --profile lab";

pub(super) const DOCTOR: &str = "\
Looks at the configuration file, account and credentials, asks the service what
they are good for (as `pcaps auth status` does), compares the clocks, sees which
buckets are registered and whether they can be read from here, and which other
tools are installed. Each check is ok, a warning or failed, with what to do.

The exit code is that of the first check that failed, as another command would
have it; with warnings alone it is 0. With --json: `checks`, each with `name`,
`state` (ok, warning, failed), `message` and `advice` (or null).

Examples:
  pcaps doctor
  pcaps doctor --profile lab
  pcaps doctor --json | jq '.checks[] | select(.state != \"ok\")'
  pcaps doctor --simulate                         no account needed";

pub(super) const COMPLETIONS: &str = "\
The script asks pcaps itself what can come next. Ids of captures and buckets
come from the service, where there are credentials; what goes wrong there is not
told. A script goes with the version that has printed it.

Examples:
  echo 'source <(pcaps completions bash)' >> ~/.bashrc
  echo 'source <(pcaps completions zsh)' >> ~/.zshrc        after compinit
  echo 'pcaps completions fish | source' >> ~/.config/fish/config.fish
  pcaps completions powershell | Out-String | Invoke-Expression   in $PROFILE";

pub(super) const WIRESHARK: &str = "\
Makes this program one of those that Wireshark captures with: its interface
`Cloudflare Magic Transit`, and `tshark -i pcaps`, take samples and full
captures. A click on the wheel before its name asks what is to be captured.
Account and token come from the profile (`pcaps auth login`), or the environment
that Wireshark was started in. Stop stops a full capture at the service (not on
Windows: `pcaps stop` does), and says how to fetch what was not read.

Examples:
  pcaps wireshark install
  tshark -i pcaps -f 'udp and dst port 53'
  tshark -i pcaps -o extcap.pcaps.kind:samples";

pub(super) const WIRESHARK_INSTALL: &str = "\
Puts a link to this program into the folder that `tshark -G folders` names. What
is there already, and was not put there by this command, stays.

Examples:
  pcaps wireshark install
  pcaps wireshark install --dir ~/.config/wireshark/extcap";

pub(super) const WIRESHARK_STATUS: &str = "\
Examples:
  pcaps wireshark status
  pcaps wireshark status --json";

pub(super) const WIRESHARK_UNINSTALL: &str = "\
Takes away what `pcaps wireshark install` has put there, for any version of
Wireshark; what it has put elsewhere, with the same --dir.

Examples:
  pcaps wireshark uninstall";

pub(super) const MAN: &str = "\
Examples:
  pcaps man capture | man -l -
  pcaps man bucket prove > pcaps-bucket-prove.1
  pcaps man --dir /usr/local/share/man/man1";

pub(super) const STATS: &str = "\
Of several files each has a line, and all together are summed up.
Flows and addresses are counted exactly up to 14,336 of them; beyond, the output
says by how much each may be too low. Tunnels (GRE, IP in IP) are looked into.
At the end stand the rate over time, and what looks like an attack and why: SYN
floods, DNS and NTP amplification, port scans, one source or one destination of
most of the traffic. Any of these may be innocent; the README has the rules.

A file that is torn or damaged gives the summary of what comes before, and exit
code 8; so does one of several that cannot be opened.

Examples:
  pcaps stats dns.pcap
  pcaps stats captures/*.pcap
  pcaps stats dns.pcap --json | jq .total.packets
  ssh edge cat dns.pcap.gz | pcaps stats -";

pub(super) const REPORT: &str = "\
The page is one file that needs nothing else: no network, no script. It has what
looks like an attack and why, traffic over time by protocol, protocols, packet
sizes, TCP flags, addresses, ports and flows, as charts and as tables with all
numbers of the total of `pcaps stats --json`. It prints well.

A file that is torn or damaged gives what comes before it, is named on the page,
and makes the exit code 8, unless --lenient is given. So does one of several
that is missing or no capture, whether --lenient is given or not. The page
appears only when it is whole.

Examples:
  pcaps report attack.pcap -o attack.html --open
  pcaps report edge-*.pcap -o edge.html --utc
  pcaps filter 'udp port 53' all.pcap -o - | pcaps report - -o dns.html";

pub(super) const FILTER: &str = "\
The first word is the filter and the others are files, unless files are given
with -r: then all words are the filter. It is tcpdump's language: host, net,
port, portrange, proto, tcp, udp, icmp, ip, ip6, arp, vlan, less, greater and
the like, joined by and, or, not and parentheses, and tests of bytes such as
tcp[tcpflags] & tcp-syn != 0. It takes the packets that tcpdump takes.

Packets of several files are written one file after the other. The output is
classic pcap if all files are and agree in link type, snap length and
resolution of time, and pcapng otherwise. A file that is torn or damaged gives
what comes before, and exit code 8. The output appears when it is whole;
standard output gets packets as they come.

Examples:
  pcaps filter 'tcp port 443 and not host 192.0.2.1' all.pcap -o https.pcap
  pcaps filter 'tcp[tcpflags] == tcp-syn' hour-*.pcap -o syn.pcap
  pcaps filter -r all.pcap udp port 53 or 123 -o small.pcap
  pcaps filter icmp all.pcap.zst -o - | tcpdump -nr -";

pub(super) const MERGE: &str = "\
The output is in the order of time; packets of the same time are in the order
of the files. It is a pcap file if all inputs are and agree in link type, snap
length and resolution, otherwise pcapng, so that nothing is lost. It appears
only when it is whole.

A file that is torn or damaged gives what comes before, is named, and makes the
exit code 8, unless --lenient is given. A file that is given twice is read once.

Examples:
  pcaps merge edge-*.pcap -o all.pcap
  pcaps merge --dedup=5ms a.pcap b.pcap.gz -o all.pcap
  pcaps merge *.pcap -o - | tcpdump -nr -";

pub(super) const EXPORT: &str = "\
One row a packet, in Parquet files under capture_id=.../date=.../hour=..., which
DuckDB, Spark, DataFusion and others read as they are. _schema.json says which
columns there are, and what they mean. Of folders and buckets, the files are
taken whose names end in .pcap, .pcapng or .cap, also with .gz or .zst.

Run again, it adds what is new, and replaces what has changed. Ended at any
moment, it goes on when it is run again. A file that is torn or damaged gives
what comes before, is named, and makes the exit code 8, unless --lenient is
given. With --shard, several processes share the files; give all the same ones.

Credentials of buckets are those of `pcaps fetch`; no account is needed.

Examples:
  pcaps export edge-*.pcap -o table
  pcaps export 's3://captures/edge?region=eu-west-1' -o table --shard 1/4
  duckdb -c \"SELECT src_addr, count(*) FROM 'table/*/*/*/*.parquet'
    GROUP BY 1 ORDER BY 2 DESC LIMIT 10\"";
/// (What comes before it is made from the questions.)
pub(super) const QUERY: &str = "\
Their SQL, which --show-sql prints, is the same for every engine. Any other has
the view packets, a row for each, and flows, a row for each direction of a five-
tuple; `pcaps query --show-sql` prints how that is made.

datafusion is there if the program was built with the feature `query`; it reads
folders, and buckets with the credentials and --bucket-map of `pcaps export`.
Spark and Sail are asked by python3, or what PYSPARK_PYTHON names, with its
package pyspark-client (of spark://, pyspark[connect]); the data set has to be
where they can read it. A URL with a token belongs into SPARK_REMOTE, where
nobody sees it.

csv and ndjson are printed as rows come, other formats once all are there. A
file appears when it is whole.

Examples:
  pcaps query --ask top-talkers --from packets/
  pcaps query --ask syn-flood --show-sql
  pcaps query 'SELECT * FROM flows ORDER BY bytes DESC LIMIT 5' --from packets/
  pcaps query --ask scan --from packets/ --json | jq -r '.[].src_addr'
  pcaps query --ask mtu --from 's3://captures/packets?region=eu-west-1'
  pcaps query --ask timeline --from s3a://captures/packets \\
    --engine sc://spark.example:15002 -o timeline.parquet";

pub(super) const SIM: &str = "\
Prints three lines of the form NAME=VALUE that point any client at it (with
--control a fourth), then serves until Ctrl-C. Full captures want a bucket whose
challenge you can read: give --buckets or --bucket-map.

A URI of --bucket-map is s3://<bucket>[/<dir>], or gs:// or r2://, without a
query. Its STORE is a folder, memory:,
s3+http://<host>[:<port>]/<bucket>[/<dir>] or gs+http://... for a server of your
own (https too), or s3://<bucket>[/<dir>] or gs://<bucket>[/<dir>] for the
cloud. Credentials come from the environment:
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or
GOOGLE_SERVICE_ACCOUNT; without any, requests are anonymous.

Examples:
  pcaps sim
  pcaps sim --listen 127.0.0.1:8080 --buckets ./buckets
  pcaps sim --bucket-map s3://captures=s3+http://127.0.0.1:9000/captures
  pcaps sim --traffic attack.pcap --sampling 10";

pub(super) const SCHEMA: &str = "\
The schema holds for --output json and yaml, and for each line of ndjson (of a
list: its `items`). Fields that are there stay as they are; new ones may come,
and `pcaps` passes on those that the service adds.

Examples:
  pcaps schema list
  pcaps schema bucket prove --output yaml
  pcaps schema | jq keys";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_a_terminal() {
        let all = [
            PCAPS,
            CAPTURE,
            CAPTURE_FULL,
            START,
            SAMPLE,
            FULL,
            LIST,
            SHOW,
            WAIT,
            STOP,
            DOWNLOAD,
            FETCH,
            BUCKET,
            PROVE,
            ADD,
            BUCKETS,
            VALIDATE,
            REMOVE,
            AUTH,
            LOGIN,
            STATUS,
            LOGOUT,
            DOCTOR,
            COMPLETIONS,
            MAN,
            WIRESHARK,
            WIRESHARK_INSTALL,
            WIRESHARK_STATUS,
            WIRESHARK_UNINSTALL,
            STATS,
            REPORT,
            FILTER,
            MERGE,
            EXPORT,
            QUERY,
            SIM,
            SCHEMA,
            HISTORY,
        ];
        for line in all.iter().flat_map(|it| it.lines()) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
