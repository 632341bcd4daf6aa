"""Specs with one mistake each, and where and how the mistake must be named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from broker.market import Market
from broker.market_csv import read_offers_csv

MARKET_CSV: Final = """\
provider,region,zone,instance_type,accelerator,accelerators,memory_gib,vcpus,fabric,option,\
usd_per_hour
aws,us-east-1,use1-az1,p5.48xlarge,H100,8,2048,192,rdma,on-demand,50
aws,us-east-1,use1-az1,p5.48xlarge,H100,8,2048,192,rdma,spot,20
azure,westeurope,-,ND96isr_H100_v5,H100,8,1900,96,rdma,on-demand,80
gcp,europe-west4,europe-west4-a,g2-standard-4,L4,1,16,4,none,on-demand,1
gcp,europe-west4,europe-west4-a,n2-standard-8,,0,32,8,none,on-demand,0.4
"""


def tiny_market() -> Market:
    """Return the market against which the bad specs are checked."""
    return read_offers_csv(MARKET_CSV.encode(), name="tiny.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A spec with one mistake.

    Attributes:
        name: what is wrong.
        text: the spec.
        line: where the fault must be found; 0: in the file as a whole.
        path: its dotted path.
        piece: what its message must contain.
    """

    name: str
    text: str
    line: int
    path: str
    piece: str


def _bad(name: str, text: str, line: int, path: str, piece: str) -> Bad:
    return Bad(name=name, text=text, line=line, path=path, piece=piece)


def training(extra: str = "", *, shape: str = "accelerators: H100:8", hours: str = "10") -> str:
    """Return a spec of one training; its shape is on line 3, its hours on 4, `extra` from 5."""
    return f"training:\n- name: a\n  {shape}\n  hours: {hours}\n{extra}"


def service(extra: str = "", *, demand: str = "[{from: paris, rate: 9}]", rate: str = "2") -> str:
    """Return a spec of one service; demand on line 4, throughput on 5, `extra` from 6."""
    return (
        f"services:\n- name: s\n  accelerators: L4:1\n  demand: {demand}\n"
        f"  throughput: {rate}\n{extra}"
    )


def batch(extra: str = "", *, work: str = "10h") -> str:
    """Return a spec of one batch; its work is on line 4, `extra` from 5."""
    return f"batch:\n- name: b\n  accelerators: L4:1\n  work: {work}\n{extra}"


def rule(text: str) -> str:
    """Return a spec with one rule of exclusivity, on line 7."""
    return training(f"policy:\n  exclusivity:\n  - {text}\n")


def capped(text: str) -> str:
    """Return a spec with a policy; `text` is on line 6."""
    return training(f"policy:\n  {text}\n")


def held(text: str) -> str:
    """Return a spec with holdings; `text` is on line 6."""
    return training(f"holdings:\n  {text}\n")


SYNTAX: Final = [
    _bad("empty file", "", 0, "", "found an empty file"),
    _bad("only comments", "# nothing\n", 0, "", "found an empty file"),
    _bad("a list", "- a\n", 0, "", "found a list; expected a mapping"),
    _bad("a text", "hello\n", 0, "", "found `hello`; expected a mapping"),
    _bad("no workload", "period: 10h\n", 0, "", "no workload"),
    _bad("tab indentation", "training:\n\t- name: a\n", 2, "", "found a tab; expected spaces"),
    _bad("open bracket", "training: [{name: a\nbatch: 1\n", 2, "", "expected valid YAML"),
    _bad("open quote", 'training: [{name: "a\n', 2, "", ": found unexpected end of stream"),
    _bad("two documents", training() + "---\nperiod: 1h\n", 5, "", "a second document"),
    _bad("tag", training("priority: !!python/name:os.system x\n"), 5, "priority", "the tag"),
    _bad("unknown alias", training("  priority: *p\n"), 5, "", "found *p"),
    _bad("alias inside itself", "training: &t [*t]\n", 1, "", "found *t"),
    _bad("list as a key", "? [a]\n: 1\n", 1, "", "as a key"),
    _bad("control character", "training: \x01\n", 1, "", "U+0001"),
    _bad("merge of a number", training("  <<: 3\n"), 5, "training[0].<<", "an alias of a mapping"),
    _bad("deep nesting", "a: " + "[" * 60 + "]" * 60, 1, "", "more than 40 levels"),
    _bad("lone surrogate", '{"owner": "\\ud800"}', 1, "", "expected valid YAML"),
    _bad(
        "bomb of aliases",
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{new}: &{new} [{','.join(['*' + old] * 10)}]\n"
            for old, new in zip("abcdef", "bcdefg", strict=True)
        ),
        4,
        "",
        "aliases that repeat more than",
    ),
    _bad("key twice", training("  hours: 11\n"), 5, "training[0].hours", "first on line 4"),
    _bad("section twice", training() + "training: []\n", 5, "training", "first on line 1"),
    _bad("infinity", training(hours=".inf"), 4, "training[0].hours", "a finite number"),
    _bad("not a number", training(hours=".nan"), 4, "training[0].hours", "a finite number"),
    _bad("NaN as a text", training(hours="NaN"), 4, "training[0].hours", "a duration above 0"),
    _bad("overflow", training(hours="1e400"), 4, "training[0].hours", "a finite number below"),
    _bad("too large", training(hours="1e20"), 4, "training[0].hours", "a duration above 0"),
    _bad("many digits", training(hours="9" * 5000), 4, "training[0].hours", "finite"),
]

FIELDS: Final = [
    _bad("unknown section", training("trainings: [a]\n"), 5, "trainings", "mean training?"),
    _bad("typo", training("  priorty: 3\n"), 5, "training[0].priorty", "did you mean priority?"),
    _bad("foreign key", training("  deadline: 3h\n"), 5, "training[0].deadline", "unknown key"),
    _bad("key with a null", training("  priority:\n"), 5, "training[0].priority", "found nothing"),
    _bad("newer version", "version: 2\n" + training(), 1, "version", "upgrade it"),
    _bad("old version", "version: 0\n" + training(), 1, "version", "expected 1"),
    _bad("version as text", "version: one\n" + training(), 1, "version", "a whole number"),
    _bad("period 0", "period: 0h\n" + training(), 1, "period", "a duration above 0"),
    _bad("period negative", "period: -5h\n" + training(), 1, "period", "a duration above 0"),
    _bad("wrong unit", training(hours="3 weeks"), 4, "training[0].hours", "found `3 weeks`"),
    _bad("unit of money", "max_age: 30 USD\n" + training(), 1, "max_age", "a duration above 0"),
    _bad("no such day", "start: 2026-02-30\n" + training(), 1, "start", "no such day"),
    _bad("time for a day", "start: 2026-02-03T01:00:00\n" + training(), 1, "start", "a day such"),
    _bad("number for a day", "start: 20260203\n" + training(), 1, "start", "a day such as"),
    _bad("list for a mapping", training("policy: [a]\n"), 5, "policy", "a mapping of keys"),
    _bad("mapping for a list", "training: {name: a}\n", 1, "training", "a list, such as [a, b]"),
    _bad("text for a workload", "training: [a]\n", 1, "training[0]", "a mapping of keys"),
    _bad("empty list", training("providers: []\n"), 5, "providers", "found an empty list"),
    _bad("no workloads in a kind", "training: []\n", 1, "training", "found an empty list"),
    _bad("text for a list", training("providers: aws\n"), 5, "providers", "a list, such as"),
    _bad("number as a name", "training: [{name: 7, accelerators: L4, hours: 1}]\n", 1,
         "training[0].name", "put it in quotes"),
    _bad("name of a glob", "training: [{name: 'a*', accelerators: L4, hours: 1}]\n", 1,
         "training[0].name", "a name of letters"),
    _bad("name missing", "training: [{accelerators: L4, hours: 1}]\n", 1, "training[0].name",
         "found no `name`"),
    _bad("hours missing", "training: [{name: a, accelerators: L4}]\n", 1, "training[0].hours",
         "found no `hours`"),
    _bad("hours 0", training(hours="0"), 4, "training[0].hours", "a duration above 0"),
    _bad("hours negative", training(hours="-3"), 4, "training[0].hours", "a duration above 0"),
    _bad("hours over period", training(hours="731"), 4, "training[0].hours", "at most the period"),
    _bad("hours true", training(hours="true"), 4, "training[0].hours", "found true"),
    _bad("priority 1.5", training("  priority: 1.5\n"), 5, "training[0].priority", "a whole"),
    _bad("priority high", training("  priority: high\n"), 5, "training[0].priority", "a whole"),
    _bad("weight 0", training("  weight: 0\n"), 5, "training[0].weight", "a number above 0"),
    _bad("fabric", training("  fabric: infiniband\n"), 5, "training[0].fabric", "one of rdma,"),
    _bad("speed 0", training("  speed: 0\n"), 5, "training[0].speed", "a number above 0"),
    _bad("unknown option", training("  purchase: [on_demand]\n"), 5, "training[0].purchase[0]",
         "did you mean on-demand?"),
    _bad("spot as an option", training("  purchase: [spot]\n"), 5, "training[0].purchase",
         "leave for spot under `spot`"),
    _bad("spot true", training("  spot: true\n"), 5, "training[0].spot", "a mapping of keys"),
    _bad("spot share 0", training("  spot: {max_share: 0}\n"), 5, "training[0].spot.max_share",
         "a share above 0"),
    _bad("data negative", training("  data: {in: aws/us-east-1, gb: -1}\n"), 5,
         "training[0].data.gb", "an amount of data"),
    _bad("data without a place", training("  data: {gb: 1}\n"), 5, "training[0].data.in",
         "found no `in`"),
    _bad("labels of lists", training("  labels: {team: [a]}\n"), 5, "training[0].labels.team",
         "put it in quotes"),
]  # fmt: skip

_B: Final = "- {name: b, accelerators: L4, hours: 1, reads: {from: a, gb: 1}}\n"

PIPELINES: Final = [
    _bad("reads a stranger", training("  reads: {from: prep, gb: 1}\n"), 5,
         "training[0].reads.from", "the name of a training or a batch: there is none"),
    _bad("reads a near name", training("  reads: {from: bb, gb: 1}\n") + _B, 5,
         "training[0].reads.from", "did you mean b?"),
    _bad("reads itself", training("  reads: [{from: a, gb: 1}]\n"), 5,
         "training[0].reads[0].from", "a itself"),
    _bad("reads a circle", training("  reads: {from: b, gb: 1}\n") + _B, 5,
         "training[0].reads", "a pipeline that begins somewhere"),
    _bad("reads one twice", training() + _B.replace("{from: a, gb: 1}",
         "[{from: a, gb: 1}, {from: a, gb: 2}]"),
         5, "training[1].reads[1].from", "add up the two `gb`"),
    _bad("reads a service", service()
         + "batch: [{name: b, accelerators: L4, work: 1, reads: {from: s, gb: 1}}]\n", 6,
         "batch[0].reads.from", "the service s"),
    _bad("reads without data", training("  reads: {from: b}\n") + _B.partition(", reads")[0]
         + "}\n", 5, "training[0].reads.gb", "found no `gb`"),
    _bad("reads of a service", service("  reads: {from: a, gb: 1}\n"), 6, "services[0].reads",
         "unknown key"),
]  # fmt: skip

SHAPES: Final = [
    _bad("no shape", "training: [{name: a, hours: 1}]\n", 1, "training[0].shapes", "no shape"),
    _bad("unknown accelerator", training(shape="accelerators: H1000:8"), 3,
         "training[0].accelerators", "did you mean"),
    _bad("count as a word", training(shape="accelerators: H100:eight"), 3,
         "training[0].accelerators", "an accelerator and a count"),
    _bad("count 0", training(shape="accelerators: H100:0"), 3, "training[0].accelerators",
         "an accelerator and a count"),
    _bad("count negative", training(shape="accelerators: H100:-8"), 3, "training[0].accelerators",
         "an accelerator and a count"),
    _bad("memory it has not", training(shape="accelerators: A100:60GB:8"), 3,
         "training[0].accelerators", "A100-40 (40 GB)"),
    _bad("number for accelerators", training(shape="accelerators: 8"), 3,
         "training[0].accelerators", "an accelerator and a count"),
    _bad("memory for accelerators", training(shape="accelerators: 24GB..80GB"), 3,
         "training[0].accelerators", "write `gpu: 24GB..80GB`"),
    _bad("model for a range", training(shape="gpu: H100"), 3, "training[0].gpu",
         "write `accelerators:`"),
    _bad("range upside down", training(shape="gpu: 80GB..24GB"), 3, "training[0].gpu",
         "first end is the smaller"),
    _bad("range of nothing", training(shape="gpu: '..'"), 3, "training[0].gpu", "a range of"),
    _bad("two counts", training("  count: 16\n"), 5, "training[0].count", "expected one count"),
    _bad("both kinds", training("  gpu: 24GB..80GB\n"), 5, "training[0].gpu", "one of them"),
    _bad("beside shapes", training("  shapes: [{accelerators: L4}]\n"), 3,
         "training[0].accelerators", "only one of them"),
    _bad("nodes that do not divide", training("  per_node: 3\n"), 5, "training[0].per_node",
         "count = per_node x nodes"),
    _bad("splinters of a node", training("  per_node: 1e-20\n"), 5, "training[0].per_node",
         "at most 1000000 nodes"),
    _bad("nodes that contradict", training("  per_node: 4\n  nodes: 4\n"), 5,
         "training[0].per_node", "count = per_node x nodes"),
    _bad("per_node of CPUs", training("  per_node: 4\n", shape="vcpus: 8"), 5,
         "training[0].per_node", "without accelerators"),
    _bad("shape in shapes", training(shape="shapes: [{accelerators: H100}, {accelerators: Q9}]"),
         3, "training[0].shapes[1].accelerators", "a known accelerator"),
    _bad("shape of nothing", training(shape="shapes: [{speed: 2}]"), 3, "training[0].shapes[0]",
         "one of them"),
    _bad("typo in a shape", training(shape="shapes: [{accelerators: L4, pernode: 1}]"), 3,
         "training[0].shapes[0].pernode", "did you mean per_node"),
]  # fmt: skip

SERVICES: Final = [
    _bad("share 95", service("  latency: {rtt: 60ms, share: 95}\n"), 6,
         "services[0].latency.share", "did you mean 95%?"),
    _bad("share 120%", service("  latency: {rtt: 60ms, share: 120%}\n"), 6,
         "services[0].latency.share", "a share such as"),
    _bad("rtt 0", service("  latency: {rtt: 0}\n"), 6, "services[0].latency.rtt", "above 0"),
    _bad("rtt in hours", service("  latency: {rtt: 1h}\n"), 6, "services[0].latency.rtt", "60ms"),
    _bad("rtt_max below rtt", service("  latency: {rtt: 60, rtt_max: 30}\n"), 6,
         "services[0].latency.rtt_max", "at least rtt, 60ms"),
    _bad("headroom 25", service("  headroom: 25\n"), 6, "services[0].headroom", "25%?"),
    _bad("throughput 0", service(rate="0"), 5, "services[0].throughput", "a number above 0"),
    _bad("throughput negative", service(rate="-2"), 5, "services[0].throughput", "above 0"),
    _bad("throughput missing", "services: [{name: s, accelerators: L4, demand: "
         "[{from: paris, rate: 1}]}]\n", 1, "services[0].throughput", "found no `throughput`"),
    _bad("demand missing", "services: [{name: s, accelerators: L4, throughput: 1}]\n", 1,
         "services[0].demand", "found no `demand`"),
    _bad("demand empty", service(demand="[]"), 4, "services[0].demand", "an empty list"),
    _bad("rate 0", service(demand="[{from: paris, rate: 0}]"), 4, "services[0].demand[0].rate",
         "a number above 0"),
    _bad("rate missing", service(demand="[{from: paris}]"), 4, "services[0].demand[0].rate",
         "found no `rate`"),
    _bad("origin twice", service(demand="[{from: paris, rate: 1}, {from: paris, rate: 2}]"), 4,
         "services[0].demand[1].from", "a second time"),
    _bad("unknown metro", service(demand="[{from: parsi, rate: 1}]"), 4,
         "services[0].demand[0].from", "did you mean paris"),
    _bad("latitude 100", service(demand="[{from: {lat: 100, lon: 1}, rate: 1}]"), 4,
         "services[0].demand[0].from", "-90..90"),
    _bad("point without lon", service(demand="[{from: {lat: 10}, rate: 1}]"), 4,
         "services[0].demand[0].from", "-90..90"),
    _bad("spread that cannot be", service("  spread: {regions: 2, max_share: 40%}\n"), 6,
         "services[0].spread.max_share", "at least 1/2"),
    _bad("spread of no region", service("  spread: {regions: 0}\n"), 6,
         "services[0].spread.regions", "at least 1"),
    _bad("survive what", service("  survive: datacenter\n"), 6, "services[0].survive",
         "one of provider, region, zone"),
    _bad("survive_share alone", service("  survive_share: 50%\n"), 6,
         "services[0].survive_share", "both or neither"),
    _bad("each_metro yes", service("  latency: {rtt: 9, each_metro: yes}\n"), 6,
         "services[0].latency.each_metro", "true or false"),
    _bad("deadline over period", batch("  deadline: 800h\n"), 5, "batch[0].deadline",
         "at most the period, 730h"),
    _bad("work 0", batch(work="0"), 4, "batch[0].work", "a duration above 0"),
]  # fmt: skip

RULES: Final = [
    _bad("name twice", training() + batch().replace("name: b", "name: a"), 6, "batch[0].name",
         "first on line 2"),
    _bad("glob of no workload", rule("{workloads: ['chat-*'], only: [aws]}"), 7,
         "policy.exclusivity[0].workloads[0]", "a workload's name, or a glob"),
    _bad("no verb", rule("{workloads: [a]}"), 7, "policy.exclusivity[0]", "exactly one of only"),
    _bad("two verbs", rule("{workloads: [a], only: [aws], apart: zone}"), 7,
         "policy.exclusivity[0].apart", "exactly one of only"),
    _bad("unknown verb", rule("{workloads: [a], onyl: [aws]}"), 7,
         "policy.exclusivity[0].onyl", "did you mean only?"),
    _bad("level for places", rule("{workloads: [a], only: region}"), 7,
         "policy.exclusivity[0].only", "a list"),
    _bad("level unknown", rule("{workloads: [a], apart: rack}"), 7,
         "policy.exclusivity[0].apart", "one of provider, region, zone"),
    _bad("no workloads", rule("{only: [aws]}"), 7, "policy.exclusivity[0]", "no workloads"),
    _bad("tenants of only", rule("{tenants: {x: [a], y: [a]}, only: [aws]}"), 7,
         "policy.exclusivity[0].tenants", "tenants only with apart"),
    _bad("one tenant", rule("{tenants: {x: [a]}, apart: zone}"), 7,
         "policy.exclusivity[0].tenants", "at least two tenants"),
    _bad("workload of two tenants", rule("{tenants: {x: [a], y: [a]}, apart: zone}"), 7,
         "policy.exclusivity[0].tenants.y", "each workload with one tenant"),
    _bad("unknown provider in a rule", rule("{workloads: [a], only: [awz]}"), 7,
         "policy.exclusivity[0].only[0]", "did you mean aws?"),
    _bad("unknown region in a rule", rule("{workloads: [a], never: [aws/us-east-9]}"), 7,
         "policy.exclusivity[0].never[0]", "did you mean aws/us-east-1?"),
    _bad("only against never", rule("{workloads: [a], only: [aws]}\n  - {workloads: [a], "
         "never: [aws]}"), 8, "policy.exclusivity[1].never", "leave it a place"),
    _bad("only against only", rule("{workloads: [a], only: [aws]}\n  - {workloads: [a], "
         "only: [gcp]}"), 8, "policy.exclusivity[1].only", "leave it a place"),
    _bad("own group of a country's name", training("policy: {country_groups: {DE: [FR]}}\n"), 5,
         "policy.country_groups.DE", "a name of its own"),
]  # fmt: skip

PLACES: Final = [
    _bad("Norway read as false", training("  where: {residency: [false]}\n"), 5,
         "training[0].where.residency[0]", "found false"),
    _bad("country in small letters", training("  where: {residency: [de]}\n"), 5,
         "training[0].where.residency[0]", "write DE"),
    _bad("UK", training("  where: {residency: [UK]}\n"), 5, "training[0].where.residency[0]",
         "the United Kingdom is GB"),
    _bad("unknown group", training("  where: {residency: [EUR]}\n"), 5,
         "training[0].where.residency[0]", "did you mean"),
    _bad("country without a region", training("  where: {residency: [NP]}\n"), 5,
         "training[0].where.residency", "a country with a region of the market"),
    _bad("unknown provider", training("providers: [aws, oracle]\n"), 5, "providers[1]",
         "a name that the market has"),
    _bad("provider left out above", training("  where: {providers: [gcp]}\nproviders: [aws]\n"),
         5, "training[0].where.providers[0]", "one of the spec's providers"),
    _bad("unknown provider of a workload", training("  where: {providers: [asw]}\n"), 5,
         "training[0].where.providers[0]", "did you mean aws"),
    _bad("region that is not", training("  where: {regions: [aws/us-east-7]}\n"), 5,
         "training[0].where.regions[0]", "did you mean aws/us-east-1"),
    _bad("glob of no region", training("  where: {regions: ['mars-*']}\n"), 5,
         "training[0].where.regions[0]", "matches something"),
    _bad("tag nobody states", training("  where: {requires: [hipaa]}\n"), 5,
         "training[0].where.requires[0]", "there is none"),
    _bad("tag misspelt",
         training("  where: {requires: [hippa]}\nassume: {tags: {hipaa: [aws]}}\n"), 5,
         "training[0].where.requires[0]", "did you mean hipaa?"),
    _bad("tag on nothing", training("assume: {tags: {hipaa: [asw]}}\n"), 5,
         "assume.tags.hipaa[0]", "matches something"),
    _bad("data in no region", training("  data: {in: aws/us-east-0, gb: 1}\n"), 5,
         "training[0].data.in", "a known provider/region"),
    _bad("nothing like it on sale", training(shape="accelerators: T4:1"), 3,
         "training[0].accelerators", "which the market does not have"),
    _bad("more in one instance", training("  per_node: 16\n", shape="accelerators: H100:32"), 5,
         "training[0].per_node", "at most 8, the largest there is"),
    _bad("gang without a network", training(shape="accelerators: L4:4"), 3,
         "training[0].accelerators", "write `fabric: any`"),
    _bad("more memory than there is", training("  memory: 9 TiB\n"), 5, "training[0].memory",
         "a size that some machine has"),
    _bad("no card so large", training(shape="gpu: 200GB.."), 3, "training[0].gpu",
         "which the market does not have"),
]  # fmt: skip

CAPS: Final = [
    _bad("export of an unknown model",
         capped("export_control: {accelerators: [H1000], never: [CN]}"), 6,
         "policy.export_control.accelerators[0]", "a known accelerator"),
    _bad("export to an unknown country",
         capped("export_control: [{accelerators: [H100], never: [XX]}]"), 6,
         "policy.export_control[0].never[0]", "an ISO 3166"),
    _bad("export to nobody", capped("export_control: [{accelerators: [H100]}]"), 6,
         "policy.export_control[0].never", "found no `never`"),
    _bad("rule upside down",
         rule("{workloads: [a], only: [aws], from: 2026-12-02, until: 2026-12-01}"), 7,
         "policy.exclusivity[0].until", "a day not before"),
    _bad("rule until a word", rule("{workloads: [a], only: [aws], until: soon}"), 7,
         "policy.exclusivity[0].until", "a day such as"),
    _bad("power in horses", capped("power: {cap: 3 hp}"), 6, "policy.power.cap", "2 MW"),
    _bad("power of 0", capped("power: [{cap: 0}]"), 6, "policy.power[0].cap", "above 0"),
    _bad("power nowhere", capped("power: {cap: 1 MW, regions: [aws/us-east-9]}"), 6,
         "policy.power.regions[0]", "did you mean aws/us-east-1"),
    _bad("watts of an unknown model", training("assume: {watts: {TPU-v9: 100}}\n"), 5,
         "assume.watts.TPU-v9", "did you mean TPU-v"),
    _bad("watts that are known", training("assume: {watts: {H100: 100}}\n"), 5,
         "assume.watts.H100", "rated at 700 W"),
    _bad("carbon without anything", capped("carbon: {grams_per_kwh: {aws/us-east-1: 3}}"), 6,
         "policy.carbon", "a price or a cap"),
    _bad("carbon in pounds", capped("carbon: {cap: 3 lb}"), 6, "policy.carbon.cap", "120 t"),
    _bad("grid of nowhere", capped("carbon: {price: 80, grams_per_kwh: {aws/us-east-9: 3}}"), 6,
         "policy.carbon.grams_per_kwh.aws/us-east-9", "did you mean aws/us-east-1"),
    _bad("budget in euros", capped("budget: 3 EUR"), 6, "policy.budget", "an amount of USD"),
    _bad("budget negative", capped("budget: -3"), 6, "policy.budget", "at least 0"),
    _bad("cap on nothing", capped("concentration: {of: gpus}"), 6, "policy.concentration",
         "exactly one of provider"),
    _bad("cap on two scopes", capped("concentration: [{provider: 60%, region: 50%}]"), 6,
         "policy.concentration[0]", "exactly one of provider"),
    _bad("cap of 60", capped("concentration: {provider: 60}"), 6, "policy.concentration.provider",
         "did you mean 60%?"),
    _bad("cap of what", capped("concentration: {provider: 60%, of: money}"), 6,
         "policy.concentration.of", "one of spend, gpus"),
    _bad("cap on an unknown provider", capped("concentration: {provider: 60%, names: [awz]}"), 6,
         "policy.concentration.names[0]", "did you mean aws?"),
    _bad("cap on groups that are not", capped("concentration: {country_group: 60%}"), 6,
         "policy.concentration.country_group", "policy.country_groups"),
    _bad("cap that cannot be", capped("concentration: {provider: 30%}"), 6,
         "policy.concentration.provider", "shares that add up"),
]  # fmt: skip

HOLDINGS: Final = [
    _bad("pool of three parts", held("reservations: [{pool: aws/us-east-1/p5, instances: 1}]"),
         6, "holdings.reservations[0].pool", "provider/region/zone/type"),
    _bad("pool in another zone",
         held("reservations: [{pool: aws/us-east-1/use1-az9/p5.48xlarge, instances: 1}]"), 6,
         "holdings.reservations[0].pool", "is sold in the zones use1-az1"),
    _bad("pool of no type",
         held("reservations: [{pool: aws/us-east-1/use1-az1/p6.48xlarge, instances: 1}]"), 6,
         "holdings.reservations[0].pool", "did you mean aws/us-east-1/use1-az1/p5.48xlarge"),
    _bad("no instances",
         held("reservations: [{pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 0}]"), 6,
         "holdings.reservations[0].instances", "at least 1"),
    _bad("stated twice",
         held("reservations:\n  - {pool: azure/westeurope/-/ND96isr_H100_v5, instances: 1}\n"
              "  - {pool: azure/westeurope/-/ND96isr_H100_v5, instances: 2}"), 8,
         "holdings.reservations[1].pool", "first on line 7"),
    _bad("spend in euros", held("commitments: [{provider: aws, spend: 3 EUR}]"), 6,
         "holdings.commitments[0].spend", "an amount of USD"),
    _bad("spend negative", held("commitments: [{provider: aws, spend: -3}]"), 6,
         "holdings.commitments[0].spend", "at least 0"),
    _bad("half a term", held("commitments: [{provider: aws, spend: 3, from: 2026-01-01}]"), 6,
         "holdings.commitments[0].to", "both or neither"),
    _bad("term upside down",
         held("commitments: [{provider: aws, spend: 3, from: 2026-01-02, to: 2026-01-01}]"), 6,
         "holdings.commitments[0].to", "not before"),
    _bad("ramp without a term",
         held("commitments: [{provider: aws, spend: 3, ramp: [{from: 2026-01-01, spend: 3}]}]"), 6,
         "holdings.commitments[0].ramp", "a ramp inside a term"),
    _bad("ramp that does not add up",
         held("commitments: [{provider: aws, spend: 3, from: 2026-01-01, to: 2026-12-31, "
              "ramp: [{from: 2026-01-01, spend: 1}]}]"), 6,
         "holdings.commitments[0].ramp", "steps that add up"),
    _bad("ramp backwards",
         held("commitments: [{provider: aws, spend: 3, from: 2026-01-01, to: 2026-12-31, "
              "ramp: [{from: 2026-03-01, spend: 1}, {from: 2026-02-01, spend: 2}]}]"), 6,
         "holdings.commitments[0].ramp[1].from", "a day from 2026-03-02"),
    _bad("discount of all", held("discounts: [{provider: aws, off: 100%}]"), 6,
         "holdings.discounts[0].off", "below 100%"),
    _bad("discount on nothing", held("discounts: [{provider: aws, types: [p9*], off: 1%}]"), 6,
         "holdings.discounts[0].types[0]", "matches something"),
    _bad("savings plan without rates",
         held("savings_plans: [{provider: aws, per_hour: 9}]"), 6,
         "holdings.savings_plans[0]", "one of `off` and `rates`"),
    _bad("savings plan with rates twice",
         held("savings_plans: [{provider: aws, per_hour: 9, off: 9%, rates: reserved-1y}]"), 6,
         "holdings.savings_plans[0]", "one of `off` and `rates`"),
    _bad("savings plan at rates of no term",
         held("savings_plans: [{provider: aws, per_hour: 9, rates: spot}]"), 6,
         "holdings.savings_plans[0].rates", "reserved-1y or reserved-3y"),
    _bad("savings plan at rates of nobody",
         held("savings_plans: [{provider: aws, per_hour: 9, rates: reserved-1y/x}]"), 6,
         "holdings.savings_plans[0].rates", "there are none"),
    _bad("savings plan for nothing",
         held("savings_plans: [{provider: aws, per_hour: 9, off: 9%, types: [p9*]}]"), 6,
         "holdings.savings_plans[0].types[0]", "matches something"),
    _bad("savings plan for nowhere",
         held("savings_plans: [{provider: aws, per_hour: 9, off: 9%, regions: [eu-*]}]"), 6,
         "holdings.savings_plans[0].regions[0]", "matches something"),
    _bad("savings plan with nobody",
         held("savings_plans: [{provider: ibm, per_hour: 9, off: 9%}]"), 6,
         "holdings.savings_plans[0].provider", "a name that the market has"),
    _bad("savings plan upside down",
         held("savings_plans: [{provider: aws, per_hour: 9, off: 9%, from: 2026-01-02, "
              "until: 2026-01-01}]"), 6,
         "holdings.savings_plans[0].until", "not before"),
    _bad("savings plan twice",
         held("savings_plans: [{name: a, provider: aws, per_hour: 9, off: 9%}, "
              "{name: a, provider: aws, per_hour: 8, off: 9%}]"), 6,
         "holdings.savings_plans[1].name", "a second time"),
    _bad("commitment to nobody", held("commitments: [{provider: ibm, spend: 3}]"), 6,
         "holdings.commitments[0].provider", "a name that the market has"),
    _bad("quota without a selector",
         training("quotas:\n- {provider: aws, limit: 1, unit: gpus}\n"), 6, "quotas[0]",
         "exactly one of family"),
    _bad("quota of two sizes",
         training("quotas:\n- {provider: aws, accelerator: A100, limit: 1, unit: gpus}\n"), 6,
         "quotas[0].accelerator", "A100-40 or A100-80"),
    _bad("quota of an unknown family",
         training("quotas:\n- {provider: aws, family: P9, limit: 1, unit: gpus}\n"), 6,
         "quotas[0].family", "a name that the market has"),
    _bad("quota of an unknown type",
         training("quotas:\n- {provider: aws, type: x9*, limit: 1, unit: gpus}\n"), 6,
         "quotas[0].type", "matches something"),
    _bad("quota unit", training("quotas:\n- {provider: aws, type: p5*, limit: 1, unit: cores}\n"),
         6, "quotas[0].unit", "one of vcpus, gpus, instances"),
    _bad("quota limit negative",
         training("quotas:\n- {provider: aws, type: p5*, limit: -1, unit: gpus}\n"), 6,
         "quotas[0].limit", "at least 0"),
    _bad("owned assumed", training("assume: {instances_per_pool: {owned: 4}}\n"), 5,
         "assume.instances_per_pool.owned", "state it as a reservation"),
    _bad("option unknown", training("assume: {instances_per_pool: {spott: 4}}\n"), 5,
         "assume.instances_per_pool.spott", "did you mean spot?"),
]  # fmt: skip

BAD_SPECS: Final = [
    *SYNTAX,
    *FIELDS,
    *PIPELINES,
    *SHAPES,
    *SERVICES,
    *RULES,
    *PLACES,
    *CAPS,
    *HOLDINGS,
]
