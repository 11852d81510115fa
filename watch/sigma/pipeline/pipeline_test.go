package pipeline

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/watch/sigma"
)

// rule parses one rule, of which the tests give the log source and what
// follows detection.
func rule(t testing.TB, logsource, detection string) *sigma.Rule {
	t.Helper()
	text := "title: A rule\nid: 11111111-1111-4111-8111-111111111111\nlevel: high\nstatus: test\nfields: [Image, Other]\n" +
		"tags: [attack.t1059]\nlogsource: " + logsource + "\ndetection:\n" + indent(detection)
	rules, _, _, failed := sigma.Parse("rule.yml", []byte(text))
	if len(failed) > 0 || len(rules) != 1 {
		t.Fatalf("the test's rule does not parse: %v\n%s", failed, text)
	}
	return rules[0]
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") + "\n"
}

// load reads pipelines given as text, without the built-in ones.
func load(t testing.TB, files ...string) (*Pipelines, error) {
	t.Helper()
	var paths []string
	for i, text := range files {
		path := filepath.Join(t.TempDir(), string(rune('a'+i))+".yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return Load(false, paths)
}

// route is one Routed as the tests expect it.
type route struct{ Pipeline, Route, Expr string }

func routesOf(t testing.TB, p *Pipelines, r *sigma.Rule) []route {
	t.Helper()
	routed, err := p.Route(r)
	if err != nil {
		t.Fatal(err)
	}
	var list []route
	for _, one := range routed {
		list = append(list, route{one.Pipeline, render(one.Route), render(one.Expr)})
	}
	return list
}

// TestBuiltin shows what the built-in pipelines make of one rule of each kind.
func TestBuiltin(t *testing.T) {
	p, err := Load(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, logsource, detection string
		want                       []route
	}{
		{"process creation is Sysmon's or the Security channel's", "{product: windows, category: process_creation}",
			"s:\n  Image|endswith: \\a.exe\n  IntegrityLevel: System\n  User|contains: AUTHORI\ncondition: s",
			[]route{
				{"sysmon", "(eventid=1 and (channel=microsoft-windows-sysmon/operational or provider_name=microsoft-windows-sysmon))",
					`(Image endswith \a.exe and IntegrityLevel=system and User contains authori)`},
				{"windows-security-process", "(eventid=4688 and (channel=security or provider_name=microsoft-windows-security-auditing))",
					`(NewProcessName endswith \a.exe and MandatoryLabel=s-1-16-16384 and (SubjectUserName contains authori or SubjectDomainName contains authori))`},
			}},
		{"a category of Sysmon's alone", "{product: windows, category: process_creation, service: sysmon}", "s: {Image: a}\ncondition: s",
			[]route{{"sysmon", "(eventid=1 and eventid exists and (channel=microsoft-windows-sysmon/operational or provider_name=microsoft-windows-sysmon))", "Image=a"}}},
		{"a service is a channel", "{product: windows, service: taskscheduler}", "s: {EventID: 129}\ncondition: s",
			[]route{{"windows", "(channel=microsoft-windows-taskscheduler/operational or provider_name=microsoft-windows-taskscheduler)", "EventID=129"}}},
		{"connections without names of hosts are the Security channel's too", "{product: windows, category: network_connection}",
			"s: {Image: 'C:\\Temp\\a.exe', Initiated: 'true', DestinationPort: 443}\ncondition: s",
			[]route{
				{"sysmon", "(eventid=3 and (channel=microsoft-windows-sysmon/operational or provider_name=microsoft-windows-sysmon))",
					`(Image=c:\temp\a.exe and Initiated=true and DestinationPort=443)`},
				{"windows-security-connection", "(eventid=5156 and (channel=security or provider_name=microsoft-windows-security-auditing))",
					`(Application like \device\harddiskvolume*\temp\a.exe and Direction=%%14593 and DestPort=443)`},
			}},
		{"connections with names of hosts are Sysmon's alone", "{product: windows, category: network_connection}",
			"s: {DestinationHostname: a.example}\ncondition: s",
			[]route{{"sysmon", "(eventid=3 and (channel=microsoft-windows-sysmon/operational or provider_name=microsoft-windows-sysmon))", "DestinationHostname=a.example"}}},
		{"classic PowerShell is its data, or the message alone", "{product: windows, category: ps_classic_start}",
			"s: {Data|contains: HostName=x}\ncondition: s",
			[]route{
				{"powershell-classic", "(eventid=400 and (channel=windows powershell or provider_name=powershell))", "Data contains hostname=x"},
				{"powershell-classic-message", "(eventid=400 and data null and (channel=windows powershell or provider_name=powershell))",
					"(Message contains hostname=x or message contains hostname=x)"},
			}},
		{"names in DNS", "{category: dns}", "s: {query|endswith: .example}\ncondition: s",
			[]route{
				{"dns-plain", "((query exists and record_type exists) or (query exists and answer exists) or (query exists and _path null and event_type null and channel null))", "query endswith .example"},
				{"dns-ecs", "dns.question.name exists", "dns.question.name endswith .example"},
				{"suricata-dns", "event_type=dns", "(dns.rrname endswith .example or dns.query.rrname endswith .example or dns.queries.rrname endswith .example)"},
				{"zeek-dns", "_path=dns", "query endswith .example"},
			}},
		{"an extension is the end of a path", "{category: proxy}", "s: {c-uri-extension: exe}\ncondition: s", nil},
		{"processes of Linux", "{product: linux, category: process_creation}", "s: {Image|endswith: /arp, CommandLine|contains: ' -a '}\ncondition: s", nil},
		{"a rule that leaves its product open", "{category: process_termination}", "s: {Image: a}\ncondition: s",
			[]route{
				{"sysmon-linux", "(eventid=5 and (channel=linux-sysmon/operational or provider_name=linux-sysmon))", "Image=a"},
				{"sysmon", "(eventid=5 and (channel=microsoft-windows-sysmon/operational or provider_name=microsoft-windows-sysmon))", "Image=a"},
			}},
		{"a log source that nobody knows", "{product: toaster}", "s: {a: b}\ncondition: s", []route{{"", "every record", "a=b"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := routesOf(t, p, rule(t, c.logsource, c.detection))
			for i := range got {
				got[i].Route = strings.ToLower(got[i].Route) // names as the route writes them are tested by real records
			}
			if c.want == nil {
				checkGolden(t, got)
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func checkGolden(t *testing.T, got []route) {
	t.Helper()
	var b strings.Builder
	for _, r := range got {
		b.WriteString(r.Pipeline + "\n  route  " + r.Route + "\n  rule   " + r.Expr + "\n")
	}
	_, name, _ := strings.Cut(t.Name(), "/")
	file := filepath.Join("testdata", strings.ReplaceAll(name, "_", "-")+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s differs (-want +got); if it should, run go test -update\n%s", file, diff)
	}
}

const (
	source = `name: source
priority: 10
transformations:
- {type: add_condition, conditions: {kind: mine}, rule_conditions: [{type: logsource, category: process_creation}]}
- {type: field_name_mapping, mapping: {Image: exe}}`
	adjustment = `name: adjustment
priority: 20
transformations:
- {type: field_name_prefix, prefix: x.}`
	restriction = `name: restriction
transformations:
- {type: add_condition, negated: true, conditions: {host: lab}}`
)

// TestGiven tells pipelines that stand for a log source from those that adjust.
func TestGiven(t *testing.T) {
	r := rule(t, "{product: mine, category: process_creation}", "s: {Image: a}\ncondition: s")
	other := rule(t, "{product: other}", "s: {Image: a}\ncondition: s")
	for _, c := range []struct {
		name  string
		files []string
		rule  *sigma.Rule
		want  []route
	}{
		{"a source", []string{source}, r, []route{{"source", "kind=mine", "exe=a"}}},
		{"an adjustment of a source, whatever their order on the command line", []string{adjustment, source}, r,
			[]route{{"source, adjustment", "x.kind=mine", "x.exe=a"}}},
		{"a source does not adjust another", []string{source, strings.ReplaceAll(source, "mine", "second")}, r,
			[]route{{"source", "kind=mine", "exe=a"}, {"source", "kind=second", "exe=a"}}},
		{"a negated condition restricts", []string{source, restriction}, r,
			[]route{{"source", "kind=mine", "exe=a"}}},
		{"an adjustment of a rule without a source", []string{adjustment}, other, []route{{"adjustment", "every record", "x.Image=a"}}},
		{"nothing that concerns the rule", []string{source}, other, []route{{"source", "every record", "exe=a"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := load(t, c.files...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, routesOf(t, p, c.rule)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	t.Run("a restriction comes after sources when its priority does", func(t *testing.T) {
		p, err := load(t, source, strings.Replace(restriction, "name:", "priority: 50\nname:", 1))
		if err != nil {
			t.Fatal(err)
		}
		want := []route{{"source, restriction", "(kind=mine and not host=lab)", "exe=a"}}
		if diff := cmp.Diff(want, routesOf(t, p, r)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("over the built-in ones", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "p.yml")
		if err := os.WriteFile(path, []byte(adjustment), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := Load(true, []string{path})
		if err != nil {
			t.Fatal(err)
		}
		want := []route{{"sysmon, adjustment",
			"(x.EventID=5 and (x.Channel=microsoft-windows-sysmon/operational or x.Provider_Name=microsoft-windows-sysmon))", "x.Image=a"}}
		if diff := cmp.Diff(want, routesOf(t, p, rule(t, "{product: windows, category: process_termination}", "s: {Image: a}\ncondition: s"))); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// TestRouteLeavesTheRule asks that routing changes nothing of the rule itself,
// and that equal routes are one value.
func TestRouteLeavesTheRule(t *testing.T) {
	p, err := Load(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	make := func() *sigma.Rule {
		return rule(t, "{product: windows, category: process_creation}", "s: {Image: a, User: b}\ncondition: s")
	}
	r := make()
	first, err := p.Route(r)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r, make()) {
		t.Error("Route changed the rule")
	}
	second, err := p.Route(make())
	if err != nil {
		t.Fatal(err)
	}
	for i := range first {
		a, b := first[i].Route.(sigma.And), second[i].Route.(sigma.And)
		if &a[0] != &b[0] {
			t.Errorf("%s: equal routes are two values", first[i].Pipeline)
		}
		if first[i].Rule != r {
			t.Error("Routed.Rule is not the rule that was routed")
		}
	}
}

func TestWhy(t *testing.T) {
	p, err := Load(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ logsource, want string }{
		{"{product: windows, category: process_creation}", "category process_creation, product windows: no record of sysmon, or of windows-security-process"},
		{"{product: toaster}", "product toaster: no pipeline knows it, so only plain JSON and CSV records feed it, and there were none"},
	} {
		routed, err := p.Route(rule(t, c.logsource, "s: {Image: a}\ncondition: s"))
		if err != nil {
			t.Fatal(err)
		}
		if got := Why(routed); got != c.want {
			t.Errorf("Why = %q, want %q", got, c.want)
		}
	}
}

func TestLoadPaths(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"b.yml": source, "a.yaml": adjustment, "notes.txt": "not a pipeline"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Load(false, []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Names(); !slices.Equal(got, []string{"source", "adjustment"}) {
		t.Errorf("the pipelines of a directory are %v, by priority", got)
	}
	for _, path := range []string{filepath.Join(dir, "missing.yml"), t.TempDir()} {
		if _, err := Load(false, []string{path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Load(%s): the error %v does not name it", path, err)
		}
	}
}

// TestGivenPipelineLeavesBuiltInRoutesAlone: an id that a built-in pipeline uses
// too means the given pipeline's own item.
func TestGivenPipelineLeavesBuiltInRoutesAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.yml")
	text := `
name: own
transformations:
- id: event
  type: add_condition
  conditions: {kind: start}
  rule_conditions: [{type: logsource, product: own}]
- type: add_condition
  conditions: {source: own}
  rule_conditions: [{type: processing_item_applied, processing_item_id: event}]
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	alone, err := Load(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	both, err := Load(true, []string{file})
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{
		"{category: process_creation, product: windows}", "{category: ps_module, product: windows}", "{product: zeek, service: dns}",
	} {
		r := rule(t, source, "sel: {Image: a}\ncondition: sel")
		if diff := cmp.Diff(routesOf(t, alone, r), routesOf(t, both, r)); diff != "" {
			t.Errorf("%s: %s", source, diff)
		}
	}
	if got := routesOf(t, both, rule(t, "{product: own}", "sel: {Image: a}\ncondition: sel")); len(got) != 1 || !strings.Contains(got[0].Route, "source") {
		t.Errorf("the given pipeline gives %+v", got)
	}
}
