package sigma

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// Defaults of Limits.
const (
	defaultFiles = 200_000
	defaultBytes = 512 << 20
)

// source is one file of rules.
type source struct {
	name  string // archive members after "!"
	text  []byte
	named bool // the file itself was asked for
}

// sources collects files within the limits of a load.
type sources struct {
	list   []source
	accept func(name string) bool
	files  int
	bytes  int64
}

// readSources reads all rule files at paths, in order. What cannot be read is
// told in the error, and the rest is returned.
func readSources(paths []string, limits Limits) ([]source, error) {
	return collect(paths, limits, isRuleFile)
}

func collect(paths []string, limits Limits, accept func(string) bool) ([]source, error) {
	s := &sources{accept: accept, files: limits.Files, bytes: limits.Bytes}
	if s.files <= 0 {
		s.files = defaultFiles
	}
	if s.bytes <= 0 {
		s.bytes = defaultBytes
	}
	var errs []error
	read := map[string]bool{}
	for _, p := range paths {
		if read[filepath.Clean(p)] {
			continue
		}
		read[filepath.Clean(p)] = true
		if err := s.path(p); err != nil {
			errs = append(errs, fmt.Errorf("reading rules from %s: %w", p, err))
		}
	}
	return s.list, errors.Join(errs...)
}

func isRuleFile(name string) bool {
	ext := strings.ToLower(filepath.Ext(name))
	return (ext == ".yml" || ext == ".yaml") && !strings.HasPrefix(filepath.Base(name), ".")
}

func (s *sources) path(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return s.file(path)
	}
	var errs []error
	err = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			errs = append(errs, err)
			return nil
		case e.IsDir() && p != path && strings.HasPrefix(e.Name(), "."):
			return filepath.SkipDir
		case !e.Type().IsRegular() || !s.accept(p):
			return nil
		}
		err = s.open(p, false)
		if errors.Is(err, errTooMuch) {
			return err
		}
		if err != nil {
			errs = append(errs, err)
		}
		return nil
	})
	return errors.Join(append(errs, err)...)
}

// file reads a file that was given by name: an archive, or whatever it is, rules.
func (s *sources) file(path string) error {
	switch name := strings.ToLower(path); {
	case strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz"):
		return s.tar(path, true)
	case strings.HasSuffix(name, ".tar"):
		return s.tar(path, false)
	case strings.HasSuffix(name, ".zip"):
		return s.zip(path)
	}
	return s.open(path, true)
}

func (s *sources) open(path string, named bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return s.add(path, f, named)
}

var errTooMuch = errors.New("more than is read at once")

// add reads one file. One that is too large is kept cut, for parseFile to
// refuse by name.
func (s *sources) add(name string, r io.Reader, named bool) error {
	if len(s.list) >= s.files {
		return fmt.Errorf("%w: %d files", errTooMuch, s.files)
	}
	text, err := io.ReadAll(io.LimitReader(r, min(maxFileBytes+1, s.bytes+1)))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if s.bytes -= int64(len(text)); s.bytes < 0 {
		return fmt.Errorf("%w: %s is beyond the limit of bytes", errTooMuch, name)
	}
	s.list = append(s.list, source{name, text, named})
	return nil
}

func (s *sources) tar(path string, zipped bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var r io.Reader = f
	if zipped {
		z, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		defer func() { _ = z.Close() }()
		r = z
	}
	// What the archive unpacks to counts even where no rule is in it.
	bounded := &io.LimitedReader{R: r, N: 2*s.bytes + 1<<20}
	archive := tar.NewReader(bounded)
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if bounded.N <= 0 {
			return fmt.Errorf("%w: the archive unpacks to too many bytes", errTooMuch)
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || !s.accept(h.Name) {
			continue
		}
		if err := s.add(path+"!"+h.Name, archive, false); err != nil {
			return err
		}
	}
}

func (s *sources) zip(path string) error {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }()
	for _, member := range archive.File {
		if member.Mode().IsRegular() && s.accept(member.Name) {
			if err := s.member(path+"!"+member.Name, member); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sources) member(name string, member *zip.File) error {
	r, err := member.Open()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer func() { _ = r.Close() }()
	return s.add(name, r, false)
}
