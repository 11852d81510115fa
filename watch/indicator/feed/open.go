package feed

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"
)

const (
	maxNesting = 4   // compressions and archives inside one another
	maxRatio   = 500 // how many times its compressed size a stream may become, once it is over freeOutput
	freeOutput = 256 << 20
)

// input is one file, or why it cannot be opened.
type input struct {
	name  string
	named bool // by the user; the others were found in directories and archives
	text  io.Reader
	err   error
}

// errNotFeed is what visit returns for a file that holds something else. It is
// an error where the user named the file.
type errNotFeed string

func (e errNotFeed) Error() string { return string(e) }

// walk visits the files of the paths. Its error joins those of visit. passed
// are the files that were passed over, since they hold something else.
func walk(paths []string, opt Options, visit func(input) error) (passed []string, err error) {
	w := &walker{opt: opt, visit: visit}
	for _, p := range paths {
		info, err := os.Stat(p)
		switch {
		case err != nil:
			w.fail(p, err)
		case info.IsDir():
			w.directory(p)
		default:
			w.open(p, true)
		}
	}
	return w.passed, errors.Join(w.errs...)
}

type walker struct {
	opt    Options
	visit  func(input) error
	passed []string
	errs   []error
}

func (w *walker) passOver(name string) {
	if !strings.HasPrefix(path.Base(filepath.ToSlash(name)), ".") && len(w.passed) < w.opt.Failures {
		w.passed = append(w.passed, name)
	}
}

func (w *walker) fail(name string, err error) {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err // the name is already there
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%w; check the name", err)
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("%w; check its permissions", err)
	}
	w.errs = append(w.errs, w.visit(input{name: name, named: true, err: err}))
}

// extensions of the files that are read where a directory or an archive holds
// them. A file that is named is read whatever its extension.
var extensions = []string{
	"", ".txt", ".list", ".lst", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".stix", ".stix2", ".ioc", ".iocs",
	".ipset", ".netset", ".hosts", ".intel", ".dat", ".gz", ".zst", ".zip", ".tar", ".tgz",
}

// documents are files that stand beside feeds and are none.
var documents = []string{"readme", "license", "licence", "copying", "changelog", "notice", "makefile"}

func isFeed(name string) bool {
	base := strings.ToLower(path.Base(filepath.ToSlash(name)))
	stem, _, _ := strings.Cut(base, ".")
	return !strings.HasPrefix(base, ".") && slices.Contains(extensions, path.Ext(base)) &&
		!slices.ContainsFunc(documents, func(d string) bool { return stem == d || strings.HasSuffix(stem, "-"+d) })
}

func (w *walker) directory(root string) {
	// The callback returns no error of its own.
	_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			w.fail(p, err)
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir():
			if p != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "__MACOSX") {
				return fs.SkipDir
			}
		case !isFeed(p) || isHashIndex(p):
			w.passOver(p)
		default:
			info, err := os.Stat(p) // follows links
			if err != nil {
				w.fail(p, err)
			} else if info.Mode().IsRegular() {
				w.open(p, false)
			}
		}
		return nil
	})
}

// isHashIndex tells whether p is the index of a MISP feed directory, which
// lists the MD5 of every value, and no file hashes.
func isHashIndex(p string) bool {
	if filepath.Base(p) != "hashes.csv" {
		return false
	}
	_, err := os.Stat(filepath.Join(filepath.Dir(p), "manifest.json"))
	return err == nil
}

func (w *walker) open(name string, named bool) {
	f, err := os.Open(name)
	if err != nil {
		w.fail(name, err)
		return
	}
	w.layer(input{name: name, named: named, text: f}, f, 0)
	_ = f.Close() // it was only read
}

// layer unwraps a compression or an archive, or visits what is plain. file is
// not nil where in is a whole file.
func (w *walker) layer(in input, file *os.File, depth int) {
	name := in.name
	br := bufio.NewReaderSize(in.text, 4096)
	head, err := br.Peek(512)
	if err != nil && err != io.EOF {
		w.fail(name, err)
		return
	}
	kind := wrapping(head)
	if kind != "" && depth >= maxNesting {
		w.fail(name, fmt.Errorf("archives are nested more than %d deep; unpack them first", maxNesting))
		return
	}
	counted := &counter{r: br}
	switch kind {
	case "gzip":
		z, err := gzip.NewReader(counted)
		if err != nil {
			w.fail(name, fmt.Errorf("the gzip header is damaged: %w", err))
			return
		}
		in.text = &guard{r: z, in: counted, limit: w.opt.Decompressed, what: kind}
		w.layer(in, nil, depth+1)
	case "zstd":
		z, err := zstd.NewReader(counted, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			w.fail(name, fmt.Errorf("the zstd header is damaged: %w", err))
			return
		}
		in.text = &guard{r: z, in: counted, limit: w.opt.Decompressed, what: kind}
		w.layer(in, nil, depth+1)
		z.Close()
	case "zip":
		w.zip(name, file, depth)
	case "tar":
		w.tar(name, br, depth)
	default:
		in.text = br
		err := w.visit(in)
		var other errNotFeed
		if !in.named && errors.As(err, &other) {
			w.passOver(name)
		} else if err != nil {
			w.errs = append(w.errs, err)
		}
	}
}

// wrapping recognises compressions and archives by their first bytes.
func wrapping(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return "gzip"
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return "zip"
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return "tar"
	}
	return ""
}

func (w *walker) zip(name string, file *os.File, depth int) {
	if file == nil {
		w.fail(name, errors.New("a zip archive inside another one is not read; unpack it first"))
		return
	}
	info, err := file.Stat()
	if err != nil {
		w.fail(name, err)
		return
	}
	z, err := zip.NewReader(file, info.Size())
	if err != nil {
		w.fail(name, fmt.Errorf("the zip archive is damaged or cut: %w", err))
		return
	}
	for i, m := range z.File {
		if i >= w.opt.Members {
			w.fail(name, fmt.Errorf("more than %d members; the rest was not read", w.opt.Members))
			return
		}
		member := name + "!" + m.Name
		if strings.HasSuffix(m.Name, "/") {
			continue
		}
		if !isFeed(m.Name) {
			w.passOver(member)
			continue
		}
		if m.Flags&1 != 0 {
			w.fail(member, errors.New("the member is encrypted; unpack it first"))
			continue
		}
		r, err := m.Open()
		if err != nil {
			w.fail(member, fmt.Errorf("the zip member cannot be read: %w", err))
			continue
		}
		packed := &counter{n: int64(m.CompressedSize64)}
		w.layer(input{name: member, text: &guard{r: r, in: packed, limit: w.opt.Decompressed, what: "zip"}}, nil, depth+1)
		_ = r.Close() // what was wrong with it, Read has said
	}
}

func (w *walker) tar(name string, in io.Reader, depth int) {
	t := tar.NewReader(in)
	for i := 0; ; i++ {
		h, err := t.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			w.fail(name, fmt.Errorf("the tar archive is damaged or cut: %w", err))
			return
		}
		if i >= w.opt.Members {
			w.fail(name, fmt.Errorf("more than %d members; the rest was not read", w.opt.Members))
			return
		}
		switch {
		case h.Typeflag != tar.TypeReg:
		case isFeed(h.Name):
			w.layer(input{name: name + "!" + h.Name, text: t}, nil, depth+1)
		default:
			w.passOver(name + "!" + h.Name)
		}
	}
}

// counter counts the bytes that were read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// guard ends a decompression that becomes too large.
type guard struct {
	r     io.Reader
	in    *counter
	out   int64
	limit int64
	what  string
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	g.out += int64(n)
	if err != nil && err != io.EOF {
		return n, fmt.Errorf("the %s data is damaged or cut after %d bytes: %w", g.what, g.out, err)
	}
	if g.out > g.limit {
		return n, fmt.Errorf("the %s data becomes more than %d bytes; the rest was not read", g.what, g.limit)
	}
	if g.out > freeOutput && g.out/maxRatio > g.in.n {
		return n, fmt.Errorf("the %s data becomes more than %d times its size; the rest was not read", g.what, maxRatio)
	}
	return n, err
}
