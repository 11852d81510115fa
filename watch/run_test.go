package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/observable"
	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
	"borj.dev/borj/watch/sigma/pipeline"
)

// collector keeps what a run hands out, in order.
type collector struct {
	hits    []*Hit
	rejects []record.Reject
	fail    error // what Hit returns, once it was given failAt hits
	failAt  int
}

func (c *collector) Hit(h *Hit) error {
	c.hits = append(c.hits, h)
	if c.fail != nil && len(c.hits) >= c.failAt {
		return c.fail
	}
	return nil
}

func (c *collector) Reject(r record.Reject) error {
	c.rejects = append(c.rejects, r)
	return nil
}

// lines writes every hit and reject as one line.
func (c *collector) lines() (out []string) {
	for _, h := range c.hits {
		var name string
		if h.Rule != nil {
			name = h.Rule.Title
		} else {
			name = h.Indicator.Value
		}
		out = append(out, fmt.Sprintf("%s %s %s:%d %s", h.Kind, name, filepath.Base(h.Source.Input), h.Source.Record, h.ID))
	}
	for _, r := range c.rejects {
		out = append(out, fmt.Sprintf("reject %s:%d %s", filepath.Base(r.Input), r.Record, r.Reason))
	}
	return out
}

const rulesText = `
title: Whoami
id: 00000000-0000-4000-8000-000000000001
name: whoami
status: test
level: medium
logsource: {category: process_creation, product: windows}
detection:
  sel:
    Image|endswith: '\whoami.exe'
  condition: sel
---
title: Failed logon
id: 00000000-0000-4000-8000-000000000002
name: failed_logon
status: test
level: low
logsource: {product: windows, service: security}
detection:
  sel:
    EventID: 4625
  condition: sel
---
title: Brute force
id: 00000000-0000-4000-8000-000000000003
status: test
level: high
correlation:
  type: event_count
  rules: [failed_logon]
  group-by: [TargetUserName]
  timespan: 5m
  condition: {gte: 3}
---
title: Process by a user, in both sources
id: 00000000-0000-4000-8000-000000000004
name: by_user
status: test
level: informational
logsource: {category: process_creation, product: windows}
detection:
  sel:
    CommandLine|contains: 'hunt'
  condition: sel
---
title: Many processes of one user
id: 00000000-0000-4000-8000-000000000005
status: test
level: high
correlation:
  type: event_count
  rules: [by_user]
  group-by: [Image]
  timespan: 1h
  condition: {gte: 2}
---
title: A cloud nobody reads here
id: 00000000-0000-4000-8000-000000000006
status: test
level: low
logsource: {product: aws, service: cloudtrail}
detection:
  sel:
    eventName: StopLogging
  condition: sel
`

func compile(tb testing.TB, text string) *Rules {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	rules := compileFile(tb, file)
	if f := rules.Failed(); len(f) > 0 {
		tb.Fatalf("rules failed: %+v", f)
	}
	return rules
}

// compileFile compiles the rules at path, with the built-in pipelines.
func compileFile(tb testing.TB, path string) *Rules {
	tb.Helper()
	set, err := sigma.Load([]string{path}, sigma.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	p, err := pipeline.Load(true, nil)
	if err != nil {
		tb.Fatal(err)
	}
	rules, err := CompileRules(set, p)
	if err != nil {
		tb.Fatal(err)
	}
	return rules
}

func sysmon(minute int, image, command string) string {
	return fmt.Sprintf(`{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Computer":"ws1","UtcTime":"2026-03-01 10:%02d:00.000","Image":%q,"CommandLine":%q}`, minute, image, command)
}

func failedLogon(minute int, user string) string {
	return fmt.Sprintf(`{"Channel":"Security","EventID":4625,"Computer":"dc1","@timestamp":"2026-03-01T10:%02d:00Z","TargetUserName":%q}`, minute, user)
}

// scan runs over files of lines, in their order.
func scan(tb testing.TB, sets *Sets, workers int, sink Sink, files ...[]string) (*Result, error) {
	tb.Helper()
	dir := tb.TempDir()
	var paths []string
	for i, lines := range files {
		paths = append(paths, filepath.Join(dir, fmt.Sprintf("%d.json", i)))
		if err := os.WriteFile(paths[i], []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	src, err := record.Open(paths, record.Options{Auto: true})
	if err != nil {
		tb.Fatal(err)
	}
	result, err := Run(context.Background(), src, sets, sink, Options{Workers: workers, Sensor: "s1"})
	if err := src.Close(); err != nil {
		tb.Error(err)
	}
	return result, err
}

// TestRun follows one small scan from end to end.
func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	b := indicator.NewBuilder(nil)
	if err := b.Add(&indicator.Indicator{Term: indicator.Term{Kind: observable.IPv4, Value: "192.0.2.7"}, Source: "own"}); err != nil {
		t.Fatal(err)
	}
	sets := &Sets{Rules: compile(t, rulesText), Indicators: b.Build()}
	var got collector
	result, err := scan(t, sets, 2, &got,
		[]string{
			sysmon(0, `C:\Windows\System32\whoami.exe`, "whoami /all"),
			`{"Channel":"Sysm`,
			sysmon(1, `C:\Windows\System32\whoami.exe`, "whoami /all"),
			`{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":3,"UtcTime":"2026-03-01 10:02:00.000","DestinationIp":"192.0.2.7"}`,
		},
		[]string{
			failedLogon(0, "amal"), failedLogon(1, "badr"), failedLogon(2, "amal"), failedLogon(3, "amal"), failedLogon(9, "amal"),
			// The same process as Sysmon and as the security log name it.
			sysmon(20, `C:\tool.exe`, "hunt 1"),
			`{"Channel":"Security","EventID":4688,"@timestamp":"2026-03-01T10:30:00Z","NewProcessName":"C:\\tool.exe","CommandLine":"hunt 2"}`,
		})
	if err != nil {
		t.Fatal(err)
	}
	var short []string
	for _, line := range got.lines() {
		if i := strings.LastIndex(line, " 20"); i > 0 && !strings.HasPrefix(line, "reject") {
			line = line[:i]
		}
		short = append(short, line)
	}
	want := []string{
		"sigma Whoami 0.json:1",
		"sigma Whoami 0.json:3",
		"indicator 192.0.2.7 0.json:4",
		"correlation Brute force 1.json:4",
		"correlation Many processes of one user 1.json:7",
		"reject 0.json:2 byte 16: the record ends inside a string",
	}
	if diff := cmp.Diff(want, short); diff != "" {
		t.Error(diff)
	}
	if len(got.hits) != 5 {
		t.FailNow()
	}
	if h := got.hits[3]; h.Count != 3 || h.Source.Record != 4 || len(h.Records) != 3 || h.Records[0].Record != 1 ||
		!cmp.Equal(h.Matched, []MatchedPair{{"TargetUserName", "amal"}}) {
		t.Errorf("the correlation is %+v", h)
	}
	if h := got.hits[0]; h.Host != "ws1" || h.Source.Sensor != "s1" || !cmp.Equal(h.Matched, []MatchedPair{{"Image", `C:\Windows\System32\whoami.exe`}}) {
		t.Errorf("the first hit is %+v", h)
	}
	if result.Events != 10 || result.Malformed != 1 || result.Hits != 5 || len(result.Inputs) != 2 || result.Inputs[0].Events != 3 {
		t.Errorf("the result is %+v", result)
	}
	var unfed []string
	for _, r := range result.Unfed {
		unfed = append(unfed, r.Title)
	}
	if diff := cmp.Diff([]string{"A cloud nobody reads here"}, unfed); diff != "" {
		t.Error(diff)
	}
}

// TestValuesCountOnce: two names of one field are one value.
func TestValuesCountOnce(t *testing.T) {
	fl := record.NewFlattener(record.NewPaths(0), record.DefaultLimits)
	rec, err := fl.Flatten([]byte(`{"winlog":{"event_data":{"SentBytes":1}},"other":[2,3]}`), record.FormatWindows)
	if err != nil {
		t.Fatal(err)
	}
	got := valuesOf(rec, [][]string{{"SentBytes", "winlog.event_data.SentBytes"}, {"other"}, {"absent"}})
	if diff := cmp.Diff([][]string{{"1"}, {"2", "3"}, nil}, got); diff != "" {
		t.Error(diff)
	}
}

// TestIndicatorHitSaysWhatIsKnown: the origin that gave the id speaks, and the
// others are named.
func TestIndicatorHitSaysWhatIsKnown(t *testing.T) {
	b := indicator.NewBuilder(nil)
	term := indicator.Term{Kind: observable.IPv4, Value: "192.0.2.7"}
	for _, in := range []indicator.Indicator{
		{Term: term, Source: "list.csv", Confidence: -1},
		{Term: term, Source: "misp.json", ID: "uuid", Name: "C2", TLP: "amber", Confidence: 80},
	} {
		if err := b.Add(&in); err != nil {
			t.Fatal(err)
		}
	}
	var got collector
	sets := &Sets{Indicators: b.Build(), IndicatorLevel: sigma.High}
	if _, err := scan(t, sets, 1, &got, []string{`{"event_type":"flow","timestamp":"2026-03-01T10:00:00Z","dest_ip":"192.0.2.7"}`}); err != nil {
		t.Fatal(err)
	}
	want := &Indicator{ID: "uuid", Type: "ipv4-addr", Value: "192.0.2.7", Source: "misp.json", Name: "C2", TLP: "amber", Confidence: 80, AlsoIn: []string{"list.csv"}}
	if len(got.hits) != 1 || got.hits[0].Level != sigma.High || !cmp.Equal(got.hits[0].Indicator, want) {
		t.Errorf("%s\n%+v", got.lines(), got.hits)
	}
}

// TestSameHitsWhateverTheWorkers compares whole outputs, ids included.
func TestSameHitsWhateverTheWorkers(t *testing.T) {
	rules := compile(t, rulesText)
	var lines []string
	for i := range 40_000 {
		switch i % 7 {
		case 0:
			lines = append(lines, failedLogon(i/7%60, fmt.Sprint("user", i%5)))
		case 1:
			lines = append(lines, sysmon(i%60, `C:\whoami.exe`, fmt.Sprint(i%1000)))
		case 2:
			lines = append(lines, `{"broken":`)
		default:
			lines = append(lines, sysmon(i%60, `C:\calm.exe`, strings.Repeat("x", 60)))
		}
	}
	var want []string
	for _, workers := range []int{1, 2, 5} {
		var got collector
		if _, err := scan(t, &Sets{Rules: rules}, workers, &got, lines, lines[:500]); err != nil {
			t.Fatal(err)
		}
		switch {
		case want == nil:
			want = got.lines()
		case !cmp.Equal(want, got.lines()):
			t.Errorf("%d workers give another output than one", workers)
		}
	}
	ids := map[string]bool{}
	for _, line := range want {
		if !strings.HasPrefix(line, "sigma") {
			continue
		}
		input, id := strings.Fields(line)[2], line[strings.LastIndex(line, " ")+1:]
		key := input[:strings.Index(input, ":")] + id
		if ids[key] {
			t.Fatalf("two hits of one input have the id %s", id)
		}
		ids[key] = true
	}
	if len(ids) < 5000 {
		t.Errorf("only %d hits", len(ids))
	}
}

// TestSinkEndsTheRun lets the output fail in the middle.
func TestSinkEndsTheRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	full := errors.New("no space left")
	lines := make([]string, 20_000)
	for i := range lines {
		lines[i] = sysmon(i%60, `C:\whoami.exe`, strings.Repeat("x", 200))
	}
	got := collector{fail: full, failAt: 3}
	if _, err := scan(t, &Sets{Rules: compile(t, rulesText)}, 2, &got, lines); !errors.Is(err, full) {
		t.Errorf("the error is %v", err)
	}
	if len(got.hits) != 3 {
		t.Errorf("%d hits were handed out after the output failed at the third", len(got.hits))
	}
}

// TestInterruptEndsTheRun cancels the context before anything is read.
func TestInterruptEndsTheRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	file := filepath.Join(t.TempDir(), "x.json")
	if err := os.WriteFile(file, []byte(sysmon(0, "a", "b")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := record.Open([]string{file}, record.Options{Auto: true})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := Run(ctx, src, &Sets{}, &collector{}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

// TestUnforeseenFailure breaks a worker on purpose, after it found something: the
// record is set aside, without a hit, and the run goes on.
func TestUnforeseenFailure(t *testing.T) {
	rules := compile(t, rulesText)
	broken := *rules
	broken.bases = rules.bases[:1] // the second hit of a record fails
	var got collector
	result, err := scan(t, &Sets{Rules: &broken}, 1, &got, []string{
		sysmon(0, `C:\whoami.exe`, "hunt"), sysmon(0, `C:\calm.exe`, ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.rejects) != 1 || got.rejects[0].Record != 1 || !strings.Contains(got.rejects[0].Reason, "internal error") {
		t.Errorf("set aside: %+v", got.rejects)
	}
	if result.Events != 1 || result.Malformed != 1 {
		t.Errorf("the result is %+v", result)
	}
}
