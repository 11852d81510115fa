package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"borj.dev/borj/watch/record"
)

// place is a file that is read or written, as far as it can be told from others.
type place struct {
	option string // that names it
	name   string // as given; "-" is a standard stream
	info   fs.FileInfo
	path   string // without symbolic links, where there is no file yet
}

// newPlace looks at a file. stream is what the name "-" stands for.
func newPlace(option, name string, stream any) place {
	p := place{option: option, name: name}
	if name == "-" {
		if f, ok := stream.(*os.File); ok {
			p.info, _ = f.Stat() // a stream that cannot be told is compared with none
		}
		return p
	}
	info, err := os.Stat(name)
	if err == nil {
		p.info = info
		return p
	}
	p.path = resolved(name)
	return p
}

// resolved is the absolute path of a file that may not be there yet.
func resolved(name string) string {
	path, err := filepath.Abs(name)
	if err != nil {
		return filepath.Clean(name)
	}
	if whole, err := filepath.EvalSymlinks(path); err == nil {
		return whole
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}

// is tells whether both are one file. A device such as /dev/null is none.
func (p place) is(q place) bool {
	if p.info != nil && q.info != nil {
		return p.info.Mode()&fs.ModeDevice == 0 && os.SameFile(p.info, q.info)
	}
	return p.path != "" && p.path == q.path
}

// isIn tells whether p is a file that stands beneath the directory dir.
func (p place) isIn(dir string) bool {
	if p.name == "-" || p.info == nil || !p.info.Mode().IsRegular() {
		return false
	}
	rel, err := filepath.Rel(resolved(dir), resolved(p.name))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func (p place) String() string {
	if p.name == "-" && p.option == "--output" {
		return "standard output"
	}
	return p.option + " " + p.name
}

// targets are the outputs that were asked for.
func (c *scanCmd) targets(stdout io.Writer) []place {
	var list []place
	for _, t := range [][2]string{{"--output", c.Output}, {"--rejects", c.Rejects}, {"--stats", c.Stats}} {
		if t[1] != "" {
			list = append(list, newPlace(t[0], t[1], stdout))
		}
	}
	return list
}

// checkTargets refuses outputs that would overwrite what the run reads, or
// each other. It creates nothing.
func (s *scan) checkTargets(src *record.Source) error {
	targets := s.cmd.targets(s.to.stdout)
	for i, t := range targets {
		for _, u := range targets[:i] {
			if t.name == "-" && u.name == "-" || t.is(u) {
				return usageError{fmt.Errorf("%v and %v are one: what they hold would be mixed; name another file for one of them", u, t)}
			}
		}
		if err := s.checkGiven(t); err != nil {
			return err
		}
	}
	for _, name := range slices.Concat(src.Files(), s.cmd.Inputs) {
		in := newPlace("", name, s.to.stdin)
		for _, t := range targets {
			if t.is(in) {
				return overwrites(t, "the inputs", name)
			}
		}
	}
	return nil
}

// checkGiven refuses a target that is among the rules, indicators and so on.
func (s *scan) checkGiven(t place) error {
	c := s.cmd
	for _, g := range []struct {
		option string
		names  []string
	}{
		{"--rules", c.Rules},
		{"--indicators", c.Indicators},
		{"--warninglists", c.Warninglists},
		{"--pipeline", c.Pipeline},
		{"--placeholders", c.Placeholders},
	} {
		for _, name := range g.names {
			given := newPlace(g.option, name, nil)
			if t.is(given) || given.info != nil && given.info.IsDir() && t.isIn(name) {
				return overwrites(t, g.option, name)
			}
		}
	}
	return nil
}

func overwrites(t place, what, name string) error {
	return usageError{fmt.Errorf("%v would overwrite what is read: it is among %s (%s); name another file", t, what, name)}
}
