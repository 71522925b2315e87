//! The script: every command there is, with what it can be asked and what it refuses.

/// A document that names amounts in units that have decimals, and much else.
pub(super) const DOCUMENT: &str = r#"{
 "resources": {"gems": {"unit": "gems", "decimals": 2}},
 "groups": {
  "imported": {"media_bytes": ["1GB/month", "2GB/day soft"], "gems": "3.5 gems/month", "timezone": "Europe/Paris"},
  "filed": {"media_bytes": "1B"}
 },
 "rules": [{"match": "@imp_*", "group": "imported"}],
 "subjects": {"@imp": {"group": "imported", "until": "2099-01-01"}},
 "overrides": {"@imp": {"gems": {"limit": "1.25 gems/day", "note": "a gem"}}},
 "boosts": {"@imp": {"gems": [{"amount": "0.5 gems", "until": "2099-01-01"}]}}
}"#;

/// One command a line; each is typed a second time with --json. DAY is a day of this week.
pub(super) const SCRIPT: &str = r"
group list
cap list
rule list
resource list
user list
override list
boost list
subjects
subjects --prefix @x
events
over media_bytes
top media_bytes
usage @alice
summary @alice
group set free media_bytes=500MB requests=10000 seats=5 --default
group set patron media_bytes=50GB/month,2GB/day max_upload_bytes=1GB --extends free --timezone Europe/Paris
group set trial media_bytes='500MB/month soft ceiling 600MB grace 7d,2GB/day observe warn 50 90'
group set team media_bytes='50GB/month,1TB/month per group,5TB/month per server'
group set slow media_bytes='500MB/rolling 30d' max_upload_bytes=10MB
group set patron --no-extends --no-timezone max_upload_bytes=unlimited
group set patron --extends free
group set filed media_bytes=1B
group set free media_byte=5MB
group set 'a b' requests=1
group set free requests=5G
group set free requests
group set free requests=1 --extends nobody
group set free requests=1 --extends 'no name'
group set free --extends free
group set free --extends patron
group set free --timezone Nowhere/Else
group list
group show free
group show fre
group show filed
group remove slow
group remove nothing
group remove free
group remove filed
group set slow media_bytes='500MB/rolling 30d' max_upload_bytes=10MB
cap set post posts uploads --on-outage open
cap set postt posts upload
cap set filed_action x
cap set post
cap set post x x
cap list
cap remove post
cap remove upload_media
cap remove filed_action
resource set seats --aggregate max --unit count
resource set credits --unit points --decimals 2
resource set visitors --aggregate unique
resource set storage_bytes --aggregate last
resource set media_bytes --decimals 2
resource set visitors --decimals 9
resource set filed_points --decimals 2
resource set seats --decimals 1
resource set seats --decimals 0
resource list
resource remove nothing
resource remove requests
resource remove filed_points
group set free credits=10.5/month,2/day visitors=2
group show free
rule add '@bridge_*:example.org' --group patron
rule add '@bridge_*:example.org' --group free
rule add '@x' --group nobody
rule add '@filed_*' --group free
rule list
rule remove '@bridge_?:example.org'
rule remove '@filed_*'
user set @alice --group patron --until 2099-01-01
user set @alice --group free
user set @alice --group patron --until 2000-01-01
user set @alice --group nobody
user set @trial --group trial
user set @slow --group slow
user set @mate --group team
user exempt @admin --until 2099-01-01
user exempt @admin --until 2000-01-01
user exempt '@ü/ä%2e+&=?#\:example.org'
user show @alice
user show @admin
user show @nobody
user show @bridge_1:example.org
user show '@ü/ä%2e+&=?#\:example.org'
user show ..
user list
user remove '@ü/ä%2e+&=?#\:example.org'
override set @bob media_bytes=1GB,50MB/day requests=5 max_upload_bytes=unlimited --until 2099-01-01 --note 'asked on Monday'
override set @bob credits=2.5/day max_upload_bytes=20MB
override set @bob nothing=1
override set @bob media_bytes='1GB per group'
override set @bob media_bytes=1GB --until 2000-01-01
override list
override list @bob
override list @carol
user show @bob
override remove @bob media_bytes
override remove @bob nothing seats
boost add @bob media_bytes=200MB credits=0.25 --until 2099-01-01 --note 'the wedding'
boost add @bob media_bytes=-1 --until 2099-01-01
boost add @bob nothing=1 --until 2099-01-01
boost add @bob media_bytes=1MB --until 2000-01-01
boost list
boost list @bob
boost list @carol
boost remove @bob media_bytes --number 2
boost remove @bob media_bytes --number 9
boost remove @bob nothing
use @alice media_bytes 300MB --key k
use @alice media_bytes 301MB --key k
use @alice media_bytes -20MB
use @alice requests 1 --at DAYT12:00:00Z
use @alice requests 2 --at DAYT12:00:00Z --key late
use @alice visitors bob
use @alice visitors 'carol & co'
use @alice credits 1.25
use @alice credits 1.255
use @alice media_bytes 5G
use @alice nothing 1
use @alice media_byts 1
use @alice media_bytes 1 --at 2000-01-01
use @alice media_bytes 9223372036854775807
use @dave media_bytes 600MB
use @trial media_bytes 260MB
use @slow media_bytes 100MB --at DAYT12:00:00Z
use @mate media_bytes 1GB
use @filed_1 filed_points 1.5
use '@ü/ä%2e+&=?#\:example.org' media_bytes 1MB
set @alice storage_bytes 12GiB
set @alice media_bytes 100MB
set @alice seats 3
set @alice visitors 3
set @alice media_bytes -5
set @alice nothing 5
check @alice --cap upload_media
check @alice --cap upload_media --amount 10MB
check @alice --cap upload_media --amount 60GB
check @dave --cap upload_media --amount 10MB
check @slow --cap upload_media --amount 11MB
check @slow --cap upload_media --amount 9MB
check @trial --cap upload_media --amount 1MB
check @admin --cap upload_media --amount 1TB
check @mate --cap upload_media --amount 1MB
check @alice --resource requests --limit 10000/month
check @alice --resource requests --limit many
check @alice --resource credits --amount 1.5
check @alice --resource visitors --member bob
check @alice --resource visitors --member eve
check @alice --resource visitors --amount 2
check @alice --cap nothing
check @alice --cap upload_media --amount=-5
check @alice --cap upload_media --member x
check @alice
explain @alice --cap upload_media --amount 10MB
explain @dave --cap upload_media --amount 10MB
explain @slow --cap upload_media --amount 11MB
explain @slow --cap upload_media --amount 9MB
explain @trial --cap upload_media --amount 100MB
explain @mate --cap upload_media
explain @filed_1 --resource filed_points --amount 2
explain @bob --resource credits --amount 3
explain @alice --resource requests --limit 10000/month
explain @admin --cap upload_media
explain @alice --cap nothing
usage @alice
usage @alice media_bytes
usage @trial media_bytes
usage @alice credits
usage @alice visitors
usage @alice media_bytes --period day
usage @alice media_bytes --period 'rolling 30d'
usage @alice requests --range DAY 2099-01-01
usage @alice requests --range 2099-01-01 DAY
usage @alice nothing
usage '@ü/ä%2e+&=?#\:example.org' media_bytes
summary @alice
summary @mate
summary @nobody
history media_bytes
history @alice media_bytes --start DAY
history @alice credits --step month --start 2026-01-01
history media_bytes --step week --start DAY
history media_bytes --step 30d
history media_bytes --start 2099-01-01 --end 2098-01-01
history media_bytes --step minute --start 2020-01-01
history nothing
events
events @alice
events @alice --resource media_bytes -n 2
events @nobody
events -n 0
events --resource nothing
subjects
subjects --prefix @a
subjects --prefix '@ü/ä%'
over media_bytes
over requests
over nothing
top media_bytes
top media_bytes -n 2
top media_bytes --period day
top media_bytes --period 'rolling 30d'
top credits
top nothing
export
export --all
export --usage
export --all --usage
import quota.json --dry-run
import quota.json
import quota.json
import wrong.json
import broken.json
import missing.json
import -
import synapse.yaml --dry-run
group show imported
user show @imp
resource list
simulate policy.toml
simulate policy.toml --start 2026-01-01 --end 2099-01-01
simulate policy.toml --start 2026-01-01 --end 2025-01-01
simulate missing.toml
rebuild --dry-run
rebuild
rebuild --subject @alice
reset @alice requests --period day
reset @alice media_bytes
reset @alice
reset @alice nothing
usage @alice
boost remove @bob
override remove @bob
override remove @nobody
user remove @admin
user forget @alice
user forget @nobody
events -n 5
import quota.json --replace --dry-run
import quota.json --replace
group list
user list
grop list
group
";
