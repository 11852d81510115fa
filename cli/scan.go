package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"borj.dev/borj/watch"
	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/indicator/feed"
	"borj.dev/borj/watch/output"
	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
	"borj.dev/borj/watch/sigma/pipeline"
)

type scanCmd struct {
	Rules          []string `placeholder:"PATH" sep:"none" group:"What to look for:" help:"Sigma rules: a file, a directory, or an archive (.tar.gz, .zip)."`
	Indicators     []string `placeholder:"PATH" sep:"none" group:"What to look for:" help:"Indicators: plain lists, CSV, STIX 2.1 bundles, MISP events."`
	Warninglists   []string `placeholder:"PATH" sep:"none" group:"What to look for:" help:"MISP warninglists: indicators that they name are left out."`
	Pipeline       []string `placeholder:"PATH" sep:"none" group:"What to look for:" help:"Processing pipelines (pySigma's YAML) for sources of your own, added to the built-in ones."`
	Placeholders   []string `placeholder:"PATH" sep:"none" group:"What to look for:" help:"Values for %placeholders% in rules: YAML, or NAME.txt with one value a line."`
	IndicatorLevel string   `placeholder:"LEVEL" default:"medium" group:"What to look for:" help:"The level of every indicator's hit (default medium): an indicator says what was met, not how bad that is."`
	Subdomains     bool     `group:"What to look for:" help:"A name in a plain list stands for all names beneath it too."`

	MinLevel string   `placeholder:"LEVEL" group:"Which rules:" help:"Leave out rules below: informational, low, medium, high, critical."`
	Status   []string `placeholder:"S" sep:"none" group:"Which rules:" help:"Only rules of this status (may be repeated): stable, test, experimental, deprecated, unsupported. Without it, all but the last two."`
	Exclude  []string `placeholder:"RULE|TAG" sep:"none" group:"Which rules:" help:"Leave out rules with this id, title or tag (may be repeated)."`

	Format    string `default:"auto" enum:"auto,eve,zeek,windows,json,csv" group:"Inputs:" help:"How inputs are read: auto (by content), eve, zeek, windows, json, csv."`
	Sensor    string `placeholder:"NAME" group:"Inputs:" help:"Who recorded the inputs, for the hits."`
	Workers   int    `placeholder:"N" group:"Inputs:" help:"Processors to use (default: all)."`
	MaxRecord string `placeholder:"SIZE" default:"64MiB" group:"Inputs:" help:"Set longer records aside (default 64MiB)."`

	Output       string `placeholder:"FILE" default:"-" group:"Outputs:" help:"Where hits go (default: standard output)."`
	OutputFormat string `placeholder:"FORMAT" enum:"jsonl,table,sarif," default:"" group:"Outputs:" help:"jsonl, table or sarif (default: table on a terminal, jsonl elsewhere)."`
	Stats        string `placeholder:"FILE" group:"Outputs:" help:"Write figures of the run as one JSON object."`
	Rejects      string `placeholder:"FILE" group:"Outputs:" help:"Write records that were set aside as JSON lines, with place and reason."`
	FailOn       string `placeholder:"LEVEL" group:"Outputs:" help:"Exit with 3 when a hit is of this level or above."`
	Quiet        bool   `short:"q" group:"Outputs:" help:"No summary and no progress line."`

	Inputs []string `arg:"" optional:"" name:"input" help:"A file, a directory, - for standard input, or a .gz, .zst, .zip, .tar.gz of these."`
}

// Help is what follows the options in borj scan --help.
func (*scanCmd) Help() string {
	return `Examples:
  borj scan --rules sigma/ eve.json
  borj scan --rules sigma-rules.tar.gz --min-level high --output hits.jsonl logs/
  zcat conn.log.gz | borj scan --indicators feed.txt --warninglists lists/ -
  borj scan --rules sigma/ --output-format sarif --output hits.sarif events.zip
  borj scan --rules sigma/ --fail-on high --stats stats.json --rejects aside.jsonl today/

A malformed record is counted, written to --rejects, and never stops the run.
Exit: 0 done; 1 an input could not be read to its end or an output not be
written; 2 wrong usage; 3 a hit reached --fail-on.`
}

// Run scans the inputs.
func (c *scanCmd) Run(ctx context.Context, to *console) error {
	s := scan{cmd: c, to: to, tally: output.NewTally()}
	if err := s.checkUsage(); err != nil {
		return err
	}
	src, err := record.Open(c.Inputs, s.reading())
	if err != nil {
		return err
	}
	if err := s.checkTargets(src); err != nil {
		return errors.Join(err, src.Close())
	}
	if err := s.load(); err != nil {
		return errors.Join(err, src.Close())
	}
	return s.run(ctx, src)
}

// scan is one run of the command.
type scan struct {
	cmd      *scanCmd
	to       *console
	minLevel *sigma.Level
	failOn   *sigma.Level
	limits   record.Limits
	sets     watch.Sets
	rules    *sigma.Set
	report   output.Run
	tally    *output.Tally
	out      outputs
	reached  bool    // a hit is of --fail-on or above
	problems []error // what was not read to its end
	failures []error // what else ends the run with 1
}

func (s *scan) checkUsage() error {
	c := s.cmd
	if len(c.Inputs) == 0 {
		return usageError{errors.New("no input: name files or directories, or - for standard input")}
	}
	for _, l := range []struct {
		flag, text string
		to         **sigma.Level
	}{{"--min-level", c.MinLevel, &s.minLevel}, {"--fail-on", c.FailOn, &s.failOn}} {
		if l.text == "" {
			continue
		}
		level, ok := sigma.ParseLevel(l.text)
		if !ok {
			return usageError{fmt.Errorf("%s %s: levels are informational, low, medium, high, critical", l.flag, l.text)}
		}
		*l.to = &level
	}
	for _, st := range c.Status {
		if !slices.Contains([]string{"stable", "test", "experimental", "deprecated", "unsupported"}, strings.ToLower(st)) {
			return usageError{fmt.Errorf("--status %s: it is one of stable, test, experimental, deprecated, unsupported; repeat the option for several", st)}
		}
	}
	if len(c.Rules) == 0 && len(c.Indicators) == 0 {
		return usageError{errors.New("nothing to look for: give --rules, --indicators or both")}
	}
	level, ok := sigma.ParseLevel(c.IndicatorLevel)
	if !ok {
		return usageError{fmt.Errorf("--indicator-level %s: levels are informational, low, medium, high, critical", c.IndicatorLevel)}
	}
	s.sets.IndicatorLevel = level
	size, err := parseSize(c.MaxRecord)
	if err != nil || size < 1 || size > maxRecord {
		return usageError{fmt.Errorf("--max-record %s: give a size up to 1GiB, such as 4MiB", c.MaxRecord)}
	}
	s.limits = record.DefaultLimits
	s.limits.Line = int(size)
	if c.Workers < 0 || c.Workers > 1024 {
		return usageError{fmt.Errorf("--workers %d: give 1 to 1024, or leave it out to use all processors", c.Workers)}
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	return nil
}

const maxRecord = 1 << 30

// load reads and compiles what to look for.
func (s *scan) load() error {
	if len(s.cmd.Rules) > 0 {
		if err := s.loadRules(); err != nil {
			return err
		}
	}
	if len(s.cmd.Indicators) > 0 {
		return s.loadIndicators()
	}
	return nil
}

func (s *scan) loadRules() error {
	c := s.cmd
	placeholders, err := sigma.LoadPlaceholders(c.Placeholders)
	if err != nil {
		return fmt.Errorf("reading placeholders: %w", err)
	}
	pipelines, err := pipeline.Load(true, c.Pipeline)
	if err != nil {
		return err
	}
	s.rules, err = sigma.Load(c.Rules, sigma.Options{
		Placeholders: placeholders, MinLevel: s.minLevel, Statuses: c.Status, Exclude: c.Exclude,
	})
	if err != nil {
		err = fmt.Errorf("reading rules: %w", err)
		if len(s.rules.Rules)+len(s.rules.Correlations) == 0 {
			return err
		}
		s.problem(err)
	}
	s.sets.Rules, err = watch.CompileRules(s.rules, pipelines)
	if err != nil {
		return fmt.Errorf("compiling rules: %w", err)
	}
	s.report.Rules.Loaded = s.sets.Rules.Loaded()
	s.report.Rules.Skipped = s.rules.Skipped
	s.report.Rules.Failed = s.sets.Rules.Failed()
	filtered := s.minLevel != nil || len(c.Status) > 0 || len(c.Exclude) > 0
	if s.sets.Rules.Loaded() == 0 && len(s.report.Rules.Failed) == 0 && !filtered {
		err := fmt.Errorf("no Sigma rule to use in %s: check --rules", strings.Join(c.Rules, ", "))
		if len(c.Indicators) == 0 {
			return err
		}
		s.problem(err)
	}
	for _, x := range c.Exclude {
		if !slices.ContainsFunc(s.rules.Skipped, func(r sigma.Skipped) bool { return r.Reason == "excluded by "+x }) {
			s.report.Rules.Idle = append(s.report.Rules.Idle, x)
		}
	}
	return nil
}

func (s *scan) loadIndicators() error {
	benign := indicator.NewSuppressor()
	if len(s.cmd.Warninglists) > 0 {
		lists, read, err := feed.ReadWarninglists(s.cmd.Warninglists, feed.Options{})
		if err != nil {
			s.problem(fmt.Errorf("reading warninglists: %w", err))
		}
		s.failedEntries(&read)
		for i := range lists {
			if err := benign.Add(lists[i]); err != nil {
				s.report.Indicators.Failed = append(s.report.Indicators.Failed, output.IndicatorFailure{File: lists[i].Name, Reason: err.Error()})
			}
		}
	}
	b := indicator.NewBuilder(benign)
	read, err := feed.Read(s.cmd.Indicators, feed.Options{Subdomains: s.cmd.Subdomains}, b.Add)
	if err != nil {
		s.problem(fmt.Errorf("reading indicators: %w", err))
	}
	s.failedEntries(&read)
	s.sets.Indicators = b.Build()
	stats := s.sets.Indicators.Stats()
	s.report.Indicators.Loaded = max(read.Loaded-int64(stats.Suppressed)-int64(stats.Superseded), 0)
	s.report.Indicators.Skipped = read.Skipped
	for name, n := range stats.ByList {
		s.report.Suppressed = append(s.report.Suppressed, output.Count{Name: name, N: int64(n)})
	}
	slices.SortFunc(s.report.Suppressed, func(a, b output.Count) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name))
	})
	if stats.Loaded == 0 && len(s.problems) > 0 && len(s.cmd.Rules) == 0 {
		return errors.Join(s.problems...)
	}
	return nil
}

// failedEntries reports the entries of feeds that cannot be used.
func (s *scan) failedEntries(read *feed.Report) {
	for _, f := range read.Failed {
		s.report.Indicators.Failed = append(s.report.Indicators.Failed, output.IndicatorFailure(f))
	}
	s.report.Indicators.More += read.FailedCount - int64(len(read.Failed))
}

// problem keeps what could not be read. It does not stop the run, but will end
// it with 1.
func (s *scan) problem(err error) {
	for _, text := range messages(err) {
		s.problems = append(s.problems, errors.New(text))
	}
}

// failed keeps an error that ends the run, once: an output that is full says
// so whenever it is written.
func (s *scan) failed(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			s.failed(e)
		}
		return
	}
	if err != nil && !slices.ContainsFunc(s.failures, func(e error) bool { return errors.Is(e, err) }) {
		s.failures = append(s.failures, err)
	}
}

// Hit writes, counts, and checks against --fail-on.
func (s *scan) Hit(h *watch.Hit) error {
	s.tally.Add(h)
	if s.failOn != nil && h.Level >= *s.failOn {
		s.reached = true
	}
	return s.out.writer.Write(h)
}

// Reject counts and writes a record that was set aside.
func (s *scan) Reject(r record.Reject) error { return s.out.rejects.Write(r) }

// run scans src, and closes it and every output, whatever happens.
func (s *scan) run(ctx context.Context, src *record.Source) error {
	if err := s.out.open(s.cmd, s.to); err != nil {
		return errors.Join(err, src.Close())
	}
	started := time.Now()
	result, err := s.watch(ctx, src)
	s.report.Elapsed = time.Since(started)
	interrupted := ctx.Err() != nil
	if !interrupted {
		s.failed(err)
	}
	s.failed(s.out.closeHits())
	s.fill(result, src)
	if interrupted {
		s.failed(errInterrupted)
		s.report.Problems = append(slices.Clip(s.report.Problems), errInterrupted)
	}
	s.failed(s.summary())
	s.failed(s.out.closeStats(s.tally, &s.report))
	switch {
	case len(s.failures) > 0:
		return errors.Join(s.failures...)
	case len(s.problems) > 0:
		return fmt.Errorf("%d of the files given could not be read to the end: see above", len(s.problems))
	case s.reached:
		return errFound
	}
	return nil
}

var errInterrupted = errors.New("interrupted: the inputs were not read to their end, the hits are not complete")

// reading says how inputs are read.
func (s *scan) reading() record.Options {
	opt := record.Options{Limits: s.limits, Stdin: s.to.stdin, Auto: s.cmd.Format == "auto"}
	switch s.cmd.Format {
	case "eve":
		opt.Format = record.FormatEVE
	case "zeek":
		opt.Format = record.FormatZeek
	case "windows":
		opt.Format = record.FormatWindows
	case "csv":
		opt.Format = record.FormatCSV
	}
	return opt
}

// watch runs the watch over the inputs. What it finds can be followed: it is
// flushed after every chunk.
func (s *scan) watch(ctx context.Context, src *record.Source) (*watch.Result, error) {
	c := s.cmd
	var progress *output.Progress
	errTerminal, width := terminal(s.to.stderr)
	hitsShown, _ := terminal(s.to.stdout)
	hitsShown = hitsShown && c.Output == "-"
	if errTerminal && !hitsShown && !c.Quiet {
		progress = output.NewProgress(s.to.stderr, width, time.Now)
	}
	run := watch.Options{Workers: c.Workers, Sensor: c.Sensor, Limits: s.limits}
	run.Progress = func(p watch.Progress) {
		s.out.flush()
		progress.Show(output.Position{Read: p.Read, Total: p.Total, Events: p.Events, Hits: p.Hits})
	}
	result, err := watch.Run(ctx, src, &s.sets, s, run)
	progress.Clear()
	return result, errors.Join(err, src.Close())
}

// fill copies what the run found out into the report.
func (s *scan) fill(result *watch.Result, src *record.Source) {
	s.report.Events, s.report.Bytes, s.report.Malformed = result.Events, result.Bytes, result.Malformed
	for _, in := range result.Inputs {
		s.report.Inputs = append(s.report.Inputs, output.Input{Input: in.Input, Events: in.Events, Bytes: in.Bytes, Malformed: in.Malformed})
	}
	if len(result.Unfed) > 0 {
		routes := map[*sigma.Rule][]sigma.Routed{}
		for _, one := range s.sets.Rules.Routed() {
			routes[one.Rule] = append(routes[one.Rule], one)
		}
		for _, r := range result.Unfed {
			s.report.Rules.Unfed = append(s.report.Rules.Unfed, output.RuleRef{
				ID: r.ID, Title: r.Title, File: r.File, Line: r.Line, Reason: pipeline.Why(routes[r]),
			})
		}
	}
	s.report.Reasons = s.out.rejects.Reasons()
	s.report.PassedOver = src.Skipped()
	s.problems = append(s.problems, src.Problems()...)
	s.report.Problems = s.problems
	s.report.Warnings = s.warnings(result)
}

// summary tells people what the run found, or with --quiet only what could not
// be read.
func (s *scan) summary() error {
	if s.cmd.Quiet {
		for _, w := range s.report.Warnings {
			tell(s.to.stderr, errors.New("warning: "+w))
		}
		for _, p := range s.problems {
			tell(s.to.stderr, p)
		}
		return nil
	}
	isTerminal, width := terminal(s.to.stderr)
	o := output.Options{Width: width, Colour: isTerminal && os.Getenv("NO_COLOR") == ""}
	if err := output.WriteSummary(s.to.stderr, s.tally, &s.report, o); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}
