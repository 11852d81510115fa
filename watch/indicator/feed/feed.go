// Package feed owns the reading of indicators and warninglists as people
// publish them: plain lists, CSV, STIX bundles, MISP events and MISP
// warninglists. It recognises each file by its content and turns it into plain
// values. It refuses to match, and to guess: what it cannot use it reports with
// its place and the reason.
package feed

import (
	"bufio"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"borj.dev/borj/watch/indicator"
)

// Options say how feeds are read. The zero value of a bound means its default.
type Options struct {
	// Subdomains lets every domain name of lists, CSV and MISP events match the
	// names beneath it too. STIX patterns say themselves what they mean.
	Subdomains bool

	Failures     int   // how many failures are kept with their reason; all are counted. Default 1,000
	Decompressed int64 // bytes that one compressed stream may become; default 16 GiB
	Members      int   // members of one archive; default 100,000
}

func (o Options) withDefaults() Options {
	if o.Failures <= 0 {
		o.Failures = 1000
	}
	if o.Decompressed <= 0 {
		o.Decompressed = 16 << 30
	}
	if o.Members <= 0 {
		o.Members = 100_000
	}
	return o
}

// Failure is something that should have become an indicator and did not.
type Failure struct {
	File   string `json:"file"`           // a member of an archive follows after "!"
	Line   int64  `json:"line,omitempty"` // from 1, in lists and CSV
	Value  string `json:"value,omitempty"`
	Reason string `json:"reason"`
}

// Report says what was read. An entry is a value of a list, a row of a CSV, an
// indicator of STIX, or an attribute of MISP with to_ids. A STIX pattern that
// holds ten thousand alternatives is one entry.
type Report struct {
	Read    int64 `json:"read"`
	Loaded  int64 `json:"loaded"`
	Skipped int64 `json:"skipped"` // well-formed entries that are not for matching, such as revoked ones
	// Partly counts the entries among Loaded of which some alternatives had to
	// be left out. Failed says why.
	Partly      int64            `json:"partly"`
	FailedCount int64            `json:"failed_count"`
	Failed      []Failure        `json:"failed"`      // the first of them
	SkippedWhy  map[string]int64 `json:"skipped_why"` // Skipped, by reason
	Files       []File           `json:"files"`
	// PassedOver are files in directories and archives that hold something
	// else: the first of them.
	PassedOver []string `json:"passed_over"`
}

// File is what came out of one file.
type File struct {
	Name    string `json:"name"`
	Format  string `json:"format"`
	Read    int64  `json:"read"`
	Loaded  int64  `json:"loaded"`
	Skipped int64  `json:"skipped"`
	Failed  int64  `json:"failed"`
}

// maxReasons bounds Report.SkippedWhy.
const maxReasons = 500

// Read reads files, directories (recursively, by name) and their .gz, .zst,
// .zip and .tar, and calls add with every indicator, and with every revocation of
// STIX that says which version it is of. What add is given is valid
// during the call; an error that it returns counts as a failure of that
// indicator. The Report is always complete. The error joins what kept whole
// files from being read to their end, which is among the failures too; all
// other files were read.
func Read(paths []string, opt Options, add func(*indicator.Indicator) error) (Report, error) {
	r := newReader(opt)
	r.add = add
	var err error
	r.report.PassedOver, err = walk(paths, r.opt, r.file)
	return r.report, err
}

// ReadWarninglists reads MISP warninglists, from the same places as Read.
func ReadWarninglists(paths []string, opt Options) ([]indicator.Warninglist, Report, error) {
	r := newReader(opt)
	r.warninglists = []indicator.Warninglist{}
	var err error
	r.report.PassedOver, err = walk(paths, r.opt, r.file)
	return r.warninglists, r.report, err
}

// reader reads one file after another.
type reader struct {
	opt          Options
	add          func(*indicator.Indicator) error
	warninglists []indicator.Warninglist // not nil when warninglists are read
	report       Report
	now          *File
	source       string // of the file's indicators, unless they say otherwise
	buffer       *bufio.Reader
	tops         map[string]bool // whether names that end so are domain names
	in           indicator.Indicator
}

func newReader(opt Options) *reader {
	return &reader{
		opt:    opt.withDefaults(),
		report: Report{SkippedWhy: map[string]int64{}},
		buffer: bufio.NewReaderSize(nil, maxLine),
		tops:   map[string]bool{},
	}
}

// file reads one file that is already decompressed. What it returns is what
// kept it from being read to its end.
func (r *reader) file(in input) error {
	r.report.Files = append(r.report.Files, File{Name: in.name})
	r.now = &r.report.Files[len(r.report.Files)-1]
	r.source = filepath.Base(in.name)
	err := in.err
	if err == nil {
		err = r.content(in.text)
	}
	if err == nil {
		return nil
	}
	var other errNotFeed
	if !in.named && errors.As(err, &other) {
		r.report.Files = r.report.Files[:len(r.report.Files)-1]
		return err
	}
	r.fail(0, "", err.Error())
	return fmt.Errorf("%s: %w", in.name, err)
}

// load gives an entry's alternatives to add, with the properties in base.
func (r *reader) load(line int64, value string, base *indicator.Indicator, alternatives [][]indicator.Term) {
	refused, first := 0, error(nil)
	for _, terms := range alternatives {
		r.in = *base
		r.in.Term, r.in.And = terms[0], terms[1:]
		if err := r.add(&r.in); err != nil {
			refused++
			if first == nil {
				first = err
			}
		}
	}
	switch {
	case refused == len(alternatives):
		r.entry()
		r.fail(line, value, first.Error())
	case refused > 0:
		r.loaded()
		r.partly(line, value, fmt.Sprintf("%d of %d alternatives were left out: %v", refused, len(alternatives), first))
	default:
		r.loaded()
	}
}

func (r *reader) entry() {
	r.report.Read++
	r.now.Read++
}

func (r *reader) loaded() {
	r.entry()
	r.report.Loaded++
	r.now.Loaded++
}

func (r *reader) partly(line int64, value, reason string) {
	r.report.Partly++
	r.keep(line, value, reason)
}

// skip counts an entry that is not for matching.
func (r *reader) skip(reason string) {
	r.entry()
	r.report.Skipped++
	r.now.Skipped++
	if _, ok := r.report.SkippedWhy[reason]; !ok && len(r.report.SkippedWhy) >= maxReasons {
		reason = "other reasons"
	}
	r.report.SkippedWhy[reason]++
}

// fail counts a failure. Those of entries come after entry.
func (r *reader) fail(line int64, value, reason string) {
	r.report.FailedCount++
	r.now.Failed++
	r.keep(line, value, reason)
}

func (r *reader) keep(line int64, value, reason string) {
	if len(r.report.Failed) < r.opt.Failures {
		r.report.Failed = append(r.report.Failed, Failure{r.now.Name, line, short(value, 200), short(reason, 500)})
	}
}

// short cuts s to about n bytes of valid UTF-8.
func short(s string, n int) string {
	if len(s) > n {
		cut := n
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strings.ToValidUTF8(s, "�")
}

// instant reads the ways in which feeds write a time. An empty one is zero.
func instant(s string) (time.Time, error) {
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), "UTC"))
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no time such as 2026-01-31T23:59:59Z", s)
}
