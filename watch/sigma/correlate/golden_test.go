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
	if err != nil || len(files) < 40 {
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
		at := strconv.Itoa(i + 1)
		var fired []Fired
		if line == "flush" {
			at, fired = "flush", s.Flush()
		} else {
			fired = s.Add(readEvent(t, plan, int64(i+1), line))
		}
		for _, f := range fired {
			got = append(got, "@"+at+" "+render(f))
		}
	}
	var want []string
	for line := range strings.Lines(strings.TrimSpace(parts["want"])) {
		stats, ok := strings.CutPrefix(line, "stats ")
		if !ok {
			want = append(want, strings.TrimSpace(line))
		}
		for _, pair := range strings.Fields(stats) {
			if ok {
				checkStat(t, s.Stats(), pair)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fired (-want +got):\n%s", diff)
	}
}

// readRules reads rules.yml. A rule that a correlation refers to need only
// have a name there: the rest is added.
func readRules(t *testing.T, text string) (base []*sigma.Rule, correlations []*sigma.Correlation) {
	t.Helper()
	docs := strings.Split(text, "---\n")
	for i, d := range docs {
		if !strings.Contains(d, "correlation:") {
			docs[i] = "title: base rule\nlogsource: {category: test}\ndetection: {s: {a: b}, condition: s}\n" + d
		} else if !strings.Contains(d, "title:") {
			docs[i] = "title: correlation\n" + d
		}
	}
	base, correlations, _, failed := sigma.Parse("rules.yml", []byte(strings.Join(docs, "---\n")))
	if len(failed) > 0 {
		t.Fatalf("rules.yml: %+v", failed)
	}
	return base, correlations
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
	s := f.Time.Format("15:04:05.999999999") + " " + CorrelationKey(f.Correlation)
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
