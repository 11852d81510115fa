package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"borj.dev/borj/watch"
	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/indicator/feed"
	"borj.dev/borj/watch/output"
	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
	"borj.dev/borj/watch/sigma/pipeline"
)

type scanCmd struct {
	Rules        []string `placeholder:"PATH" sep:"none" group:"What to look for:" help:"Sigma rules: a file, a directory, or an archive (.tar.gz, .zip)."`
	Indicators   []string `placeholder:"PATH" sep:"none" group:"What to look for:" help:"Indicators: plain lists, CSV, STIX 2.1 bundles, MISP events."`
	Warninglists []string `placeholder:"PATH" sep:"none" group:"What to look for:" help:"MISP warninglists: indicators that they name are left out."`
	Pipeline     []string `placeholder:"PATH" sep:"none" group:"What to look for:" help:"Processing pipelines (pySigma's YAML) for sources of your own, added to the built-in ones."`
	Placeholders []string `placeholder:"PATH" sep:"none" group:"What to look for:" help:"Values for %placeholders% in rules: YAML, or NAME.txt with one value a line."`
	Subdomains   bool     `group:"What to look for:" help:"A name in a plain list stands for all names beneath it too."`

	MinLevel string   `placeholder:"LEVEL" group:"Which rules:" help:"Leave out rules below: informational, low, medium, high, critical."`
	Status   []string `placeholder:"S" group:"Which rules:" help:"Only rules of this status: stable, test, experimental, deprecated, unsupported. Without it, all but the last two."`
	Exclude  []string `placeholder:"RULE|TAG" group:"Which rules:" help:"Leave out rules with this id, title or tag."`

	Format    string `default:"auto" enum:"auto,eve,zeek,windows,json,csv" group:"Inputs:" help:"How inputs are read: auto (by content), eve, zeek, windows, json, csv."`
	Sensor    string `placeholder:"NAME" group:"Inputs:" help:"Who recorded the inputs, for the hits."`
	Workers   int    `placeholder:"N" group:"Inputs:" help:"Processors to use (default: all)."`
	MaxRecord string `placeholder:"SIZE" default:"64MiB" group:"Inputs:" help:"Set longer records aside (default 64MiB)."`

	Output       string `placeholder:"FILE" default:"-" group:"Outputs:" help:"Where hits go (default: standard output)."`
	OutputFormat string `placeholder:"FORMAT" enum:"jsonl,table,sarif," default:"" group:"Outputs:" help:"jsonl, table or sarif (default: table on a terminal, jsonl elsewhere)."`
	Stats        string `placeholder:"FILE" group:"Outputs:" help:"Write figures of the run as one JSON object."`
	Rejects      string `placeholder:"FILE" group:"Outputs:" help:"Write records that were set aside as JSON lines, with place and reason."`
	FailOn       string `placeholder:"LEVEL" group:"Outputs:" help:"Exit with 3 when a hit is of this level or above."`
	Quiet        bool   `short:"q" group:"Outputs:" help:"No summary."`

	Inputs []string `arg:"" name:"input" help:"A file, a directory, - for standard input, or a .gz, .zst, .zip, .tar.gz of these."`
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
	if err := s.load(); err != nil {
		return err
	}
	return s.run(ctx)
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
	rejects  *output.Rejects
	writer   output.Writer
	reached  bool // a hit is of --fail-on or above
	problems []error
}

func (s *scan) checkUsage() error {
	c := s.cmd
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
			return usageError{fmt.Errorf("--status %s: it is one of stable, test, experimental, deprecated, unsupported", st)}
		}
	}
	if len(c.Rules) == 0 && len(c.Indicators) == 0 {
		return usageError{errors.New("nothing to look for: give --rules, --indicators or both")}
	}
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
	s.report.Indicators.Loaded = max(read.Loaded-int64(stats.Suppressed), 0)
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

// problem keeps an error that does not stop the run, but will end it with 1.
func (s *scan) problem(err error) { s.problems = append(s.problems, err) }

// Hit writes, counts, and checks against --fail-on.
func (s *scan) Hit(h *watch.Hit) error {
	s.tally.Add(h)
	if s.failOn != nil && h.Level >= *s.failOn {
		s.reached = true
	}
	return s.writer.Write(h)
}

// Reject counts and writes a record that was set aside.
func (s *scan) Reject(r record.Reject) error { return s.rejects.Write(r) }

func (s *scan) run(ctx context.Context) error {
	c := s.cmd
	hits, err := output.Create(c.Output, s.to.stdout)
	if err != nil {
		return err
	}
	outTerminal, width := terminal(s.to.stdout)
	outTerminal = outTerminal && c.Output == "-"
	if !outTerminal {
		width = 0
	}
	format := c.OutputFormat
	if format == "" {
		format = "jsonl"
		if outTerminal {
			format = "table"
		}
	}
	colours := os.Getenv("NO_COLOR") == ""
	s.writer, err = output.New(format, hits, output.Options{Width: width, Colour: outTerminal && colours, Version: release})
	if err != nil {
		return usageError{err}
	}
	var aside *output.File
	var asideTo io.Writer
	if c.Rejects != "" {
		if aside, err = output.Create(c.Rejects, s.to.stdout); err != nil {
			return errors.Join(err, hits.Close())
		}
		asideTo = aside
	}
	s.rejects = output.NewRejects(asideTo)

	started := time.Now()
	result, src, err := s.scan(ctx)
	s.report.Elapsed = time.Since(started)
	if err == nil {
		err = s.writer.Close()
	}
	err = errors.Join(err, hits.Close())
	if aside != nil {
		err = errors.Join(err, aside.Close())
	}
	if result != nil {
		s.fill(result, src)
		err = errors.Join(err, s.close())
	}
	switch {
	case err != nil:
		return err
	case len(s.problems) > 0:
		return fmt.Errorf("%d of the files given could not be read to the end: see above", len(s.problems))
	case s.reached:
		return errFound
	}
	return nil
}

// scan opens the inputs and runs the watch over them.
func (s *scan) scan(ctx context.Context) (*watch.Result, *record.Source, error) {
	c := s.cmd
	opt := record.Options{Limits: s.limits, Stdin: s.to.stdin, Auto: c.Format == "auto"}
	switch c.Format {
	case "eve":
		opt.Format = record.FormatEVE
	case "zeek":
		opt.Format = record.FormatZeek
	case "windows":
		opt.Format = record.FormatWindows
	case "csv":
		opt.Format = record.FormatCSV
	}
	src, err := record.Open(c.Inputs, opt)
	if err != nil {
		return nil, nil, err
	}
	run := watch.Options{Workers: c.Workers, Sensor: c.Sensor, Limits: s.limits}
	var progress *output.Progress
	if isTerminal, width := terminal(s.to.stderr); isTerminal && c.Output != "-" {
		progress = output.NewProgress(s.to.stderr, width, time.Now)
		run.Progress = func(p watch.Progress) {
			progress.Show(output.Position{Read: p.Read, Total: p.Total, Events: p.Events, Hits: p.Hits})
		}
	}
	result, err := watch.Run(ctx, src, &s.sets, s, run)
	progress.Clear()
	return result, src, errors.Join(err, src.Close())
}

// fill copies what the run found out into the report.
func (s *scan) fill(result *watch.Result, src *record.Source) {
	s.report.Events, s.report.Bytes, s.report.Malformed = result.Events, result.Bytes, result.Malformed
	for _, in := range result.Inputs {
		s.report.Inputs = append(s.report.Inputs, output.Input{Input: in.Input, Events: in.Events, Bytes: in.Bytes, Malformed: in.Malformed})
	}
	for _, r := range result.Unfed {
		s.report.Rules.Unfed = append(s.report.Rules.Unfed, output.RuleRef{ID: r.ID, Title: r.Title, File: r.File, Line: r.Line})
	}
	s.report.Reasons = s.rejects.Reasons()
	s.report.PassedOver = src.Skipped()
	s.problems = append(s.problems, src.Problems()...)
	s.report.Problems = s.problems
}

// close writes the summary and the figures.
func (s *scan) close() error {
	if s.cmd.Quiet {
		for _, p := range s.problems {
			fmt.Fprintf(s.to.stderr, "borj: %v\n", p)
		}
	} else {
		isTerminal, width := terminal(s.to.stderr)
		o := output.Options{Width: width, Colour: isTerminal && os.Getenv("NO_COLOR") == ""}
		if err := output.WriteSummary(s.to.stderr, s.tally, &s.report, o); err != nil {
			return fmt.Errorf("writing the summary: %w", err)
		}
	}
	if s.cmd.Stats == "" {
		return nil
	}
	f, err := output.CreateWhole(s.cmd.Stats, s.to.stdout)
	if err != nil {
		return err
	}
	return errors.Join(output.WriteStats(f, s.tally, &s.report), f.Close())
}

// terminal tells whether a stream is a terminal, and how wide it is.
func terminal(stream any) (is bool, width int) {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false, 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return true, 80
	}
	return true, width
}
