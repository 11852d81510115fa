package correlate

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"borj.dev/borj/watch/sigma"
)

// A golden case is a txtar archive: the working by hand as its comment, and
//
//	rules.yml   base rules (named only) and correlations
//	events      HH:MM:SS[.frac] RULE FIELD=VALUE[,VALUE]…   record numbers count the lines
//	            option NAME=VALUE                           before the first event
//	            flush
//	want        @RECORD HH:MM:SS CORRELATION FIELD=VALUE… count=N value=V [at-least] records=N,N
//	            stats NAME=N…
//
// RECORD is the event at which the correlation fired, or flush.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) < 1 {
		t.Fatalf("golden cases: %d found, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(file), "testdata/"), ".txtar")
		t.Run(name, func(t *testing.T) { runGolden(t, file) })
	}
}

func runGolden(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, part := range strings.Split(string(text), "\n-- ")[1:] {
		name, data, _ := strings.Cut(part, " --\n")
		parts[name] = data + "\n"
	}
	base, correlations := readRules(t, parts["rules.yml"])
	lines := strings.Split(strings.TrimSpace(parts["events"]), "\n")
	var options Options
	for len(lines) > 0 && strings.HasPrefix(lines[0], "option ") {
		setOption(t, &options, strings.TrimPrefix(lines[0], "option "))
		lines = lines[1:]
	}
	plan, failed := New(correlations, base, options)
	if len(failed) > 0 {
		t.Fatalf("did not compile: %+v", failed)
	}
	var got []string
	s := plan.NewState()
	for i, line := range lines {
		at, fired := strconv.Itoa(i+1), []Fired(nil)
		if line == "flush" {
			at, fired = "flush", s.Flush()
		} else {
			fired = s.Add(readEvent(t, plan, int64(i+1), line))
		}
		for _, f := range fired {
			got = append(got, "@"+at+" "+render(f))
		}
	}
	want := strings.Split(strings.TrimSpace(parts["want"]), "\n")
	if n := len(want); strings.HasPrefix(want[n-1], "stats ") {
		for _, pair := range strings.Fields(want[n-1])[1:] {
			checkStat(t, s.Stats(), pair)
		}
		want = want[:n-1]
	}
	if len(want) == 1 && want[0] == "" {
		want = nil
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fired (-want +got):\n%s", diff)
	}
}

// readRules reads rules and correlations, with a rule for every reference
// that nothing else satisfies.
func readRules(t *testing.T, text string) (base []*sigma.Rule, correlations []*sigma.Correlation) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc struct {
			ID, Name, Title string
			Correlation     *struct {
				Type      string
				Rules     []string
				GroupBy   []string `yaml:"group-by"`
				Timespan  string
				Generate  bool
				Aliases   map[string]map[string]string
				Condition yaml.Node
			}
		}
		if err := d.Decode(&doc); err != nil {
			return base, correlations
		}
		if doc.Correlation == nil {
			base = append(base, &sigma.Rule{ID: doc.ID, Name: doc.Name, Title: doc.Title})
			continue
		}
		c := doc.Correlation
		correlations = append(correlations, &sigma.Correlation{
			ID: doc.ID, Name: doc.Name, Title: doc.Title,
			Type: c.Type, Rules: c.Rules, GroupBy: c.GroupBy, Timespan: c.Timespan,
			Generate: c.Generate, Aliases: c.Aliases, Condition: readCondition(t, &c.Condition),
		})
	}
}

func readCondition(t *testing.T, n *yaml.Node) (c sigma.CorrelationCondition) {
	t.Helper()
	if n.Kind == yaml.ScalarNode {
		c.Expression = n.Value
		return c
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i].Value, n.Content[i+1]
		switch key {
		case "field":
			if v.Kind == yaml.ScalarNode {
				c.Fields = []string{v.Value}
			} else if err := v.Decode(&c.Fields); err != nil {
				t.Fatal(err)
			}
		case "percentile":
			if err := v.Decode(&c.Percentile); err != nil {
				t.Fatal(err)
			}
		default:
			f, err := strconv.ParseFloat(v.Value, 64)
			if err != nil {
				t.Fatal(err)
			}
			c.Comparisons = append(c.Comparisons, sigma.CorrelationComparison{Op: key, Number: f})
		}
	}
	return c
}

func setOption(t *testing.T, o *Options, pair string) {
	t.Helper()
	name, value, _ := strings.Cut(pair, "=")
	if name == "lateness" {
		if value == "forever" {
			o.Lateness = Forever
			return
		}
		d, err := time.ParseDuration(value)
		if err != nil {
			t.Fatal(err)
		}
		o.Lateness = d
		return
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		t.Fatal(err)
	}
	switch name {
	case "groups":
		o.Groups = n
	case "events":
		o.Events = n
	case "refs":
		o.Refs = n
	case "memory":
		o.Memory = int64(n)
	default:
		t.Fatalf("unknown option %s", name)
	}
}

var day = time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)

func readEvent(t *testing.T, p *Plan, record int64, line string) Event {
	t.Helper()
	words := strings.Fields(line)
	e := Event{Rule: words[1], Ref: Ref{Input: "events", Record: record}}
	if words[0] != "-" {
		at, err := time.Parse("15:04:05.999999999", words[0])
		if err != nil {
			t.Fatal(err)
		}
		e.HasTime, e.Time = true, day.Add(at.Sub(at.Truncate(24*time.Hour)))
	}
	values := map[string][]string{}
	for _, w := range words[2:] {
		k, v, _ := strings.Cut(w, "=")
		values[k] = strings.Split(v, ",")
	}
	for _, f := range p.Fields(e.Rule) {
		e.Values = append(e.Values, values[f])
	}
	return e
}

func render(f Fired) string {
	s := f.Time.Format("15:04:05.999999999") + " " + label(f.Correlation)
	for _, g := range f.Group {
		s += " " + g.Field + "=" + g.Value
	}
	s += fmt.Sprintf(" count=%d value=%v", f.Count, f.Value)
	if f.AtLeast {
		s += " at-least"
	}
	var records []string
	for _, r := range f.Refs {
		records = append(records, strconv.FormatInt(r.Record, 10))
	}
	return s + " records=" + strings.Join(records, ",")
}

func checkStat(t *testing.T, s Stats, pair string) {
	t.Helper()
	name, want, _ := strings.Cut(pair, "=")
	v := reflect.ValueOf(s).FieldByNameFunc(func(f string) bool { return strings.EqualFold(f, name) })
	if got := fmt.Sprint(v.Interface()); got != want {
		t.Errorf("stats: %s is %s, want %s", name, got, want)
	}
}
