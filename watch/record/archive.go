package record

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zip"
	"github.com/klauspost/compress/zstd"
)

// layer is a stream of bytes that may be an archive, a compression or text.
type layer struct {
	name   string
	r      io.Reader
	at     io.ReaderAt     // the same bytes, when they can be read at any place; nil otherwise
	size   int64           // with at
	depth  int             // how many archives and compressions it was taken out of
	named  bool            // the user named it: it must hold events
	inline bool            // it must be read to its end before the next one can be opened
	users  *sync.WaitGroup // the readers that still need what r reads from
}

func (s *Source) openFile(f file) {
	if f.err != nil {
		s.fail(problem(f.path, f.err))
		return
	}
	if f.path == "-" {
		s.open(layer{name: "-", r: &countedReader{r: s.opt.Stdin, n: &s.read}, named: true, inline: true, users: new(sync.WaitGroup)})
		return
	}
	h, err := os.Open(f.path)
	if err != nil {
		s.fail(problem(f.path, err))
		return
	}
	info, err := h.Stat()
	if err != nil {
		s.fail(errors.Join(problem(f.path, err), h.Close()))
		return
	}
	c := &countedReader{r: h, at: h, n: &s.read}
	l := layer{name: f.path, r: c, named: f.named, users: new(sync.WaitGroup)}
	if info.Mode().IsRegular() {
		l.at, l.size = c, info.Size()
	}
	s.open(l)
	s.after(l.users, func() { _ = h.Close() }) // nothing was written to it
}

// after calls release when the users are done. All of them must have begun.
func (s *Source) after(users *sync.WaitGroup, release func()) {
	s.readers.Add(1)
	go func() {
		defer s.readers.Done()
		users.Wait()
		release()
	}()
}

// open looks at the first bytes of a layer and unwraps it, or reads it.
func (s *Source) open(l layer) {
	br := bufio.NewReaderSize(l.r, 4096)
	head, err := br.Peek(512)
	if err != nil && err != io.EOF {
		s.fail(problem(l.name, err))
		return
	}
	l.r = br
	wrap := wrapping(head)
	if wrap != plain && l.depth >= s.opt.Nesting {
		s.fail(problem(l.name, fmt.Errorf("archives are nested more than %d deep; unpack them first", s.opt.Nesting)))
		return
	}
	switch wrap {
	case gzipped:
		in := new(atomic.Int64)
		z, err := gzip.NewReader(&countedReader{r: br, n: in})
		if err != nil {
			s.fail(problem(l.name, fmt.Errorf("the gzip header is damaged: %w", err)))
			return
		}
		l.r = &guardedReader{r: z, guard: &guard{opt: &s.opt, in: in.Load}, what: "gzip"}
	case zstandard:
		in := new(atomic.Int64)
		z, err := zstd.NewReader(&countedReader{r: br, n: in}, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			s.fail(problem(l.name, fmt.Errorf("the zstd header is damaged: %w", err)))
			return
		}
		defer s.after(l.users, z.Close)
		l.r = &guardedReader{r: z, guard: &guard{opt: &s.opt, in: in.Load}, what: "zstd"}
	case zipped:
		s.openZip(l)
		return
	case tarred:
		s.openTar(l)
		return
	default:
		s.readPlain(l)
		return
	}
	l.at, l.depth = nil, l.depth+1
	s.open(l)
}

// readPlain reads the records of a layer that is nothing but itself.
func (s *Source) readPlain(l layer) {
	st, ok := s.begin()
	if !ok {
		return
	}
	if l.inline {
		s.readStream(st, l)
		return
	}
	l.users.Add(1)
	s.readers.Add(1)
	go func() {
		defer s.readers.Done()
		defer l.users.Done()
		s.readStream(st, l)
	}()
}

type wrapped uint8

const (
	plain wrapped = iota
	gzipped
	zstandard
	zipped
	tarred
)

// wrapping recognises archives and compressions by their magic numbers
// (RFC 1952 §2.3.1, RFC 8878 §3.1, APPNOTE.TXT §4.3, POSIX ustar).
func wrapping(head []byte) wrapped {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzipped
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstandard
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return zipped
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return tarred
	}
	return plain
}

// openZip reads the members of a zip archive, several of them ahead.
func (s *Source) openZip(l layer) {
	if l.at == nil {
		spooled, size, err := spool(l.r, s.opt.Decompressed)
		if err != nil {
			s.fail(problem(l.name, err))
			return
		}
		l.at, l.size = spooled, size
		defer s.after(l.users, func() { _ = spooled.Close() })
	}
	table := &tableReader{at: l.at, left: zipTableBytes(s.opt.Members)}
	z, err := zip.NewReader(table, l.size)
	if table.left < 0 {
		s.fail(problem(l.name, fmt.Errorf("the zip archive's table of contents is larger than that of %d members; unpack it first", s.opt.Members)))
		return
	}
	if err != nil {
		s.fail(problem(l.name, fmt.Errorf("the zip archive is damaged or cut: %w", err)))
		return
	}
	table.whole = true
	g := &guard{opt: &s.opt, in: func() int64 { return l.size }}
	for i, m := range z.File {
		if i >= s.opt.Members {
			s.fail(problem(l.name, fmt.Errorf("more than %d members; the rest was not read", s.opt.Members)))
			return
		}
		if s.stopped() || g.blown.Load() {
			return
		}
		if !isMember(m.Name) {
			continue
		}
		name := l.name + "!" + m.Name
		if m.Flags&1 != 0 {
			s.fail(problem(name, errors.New("the member is encrypted; unpack it first")))
			continue
		}
		r, err := m.Open()
		if err != nil {
			s.fail(problem(name, fmt.Errorf("the zip member cannot be read: %w", err)))
			continue
		}
		member := layer{name: name, r: &guardedReader{r: r, guard: g, what: "zip"}, depth: l.depth + 1, inline: l.inline, users: new(sync.WaitGroup)}
		l.users.Add(1)
		s.open(member)
		s.after(member.users, func() {
			_ = r.Close() // what was wrong with it, Read has said
			l.users.Done()
		})
	}
}

// zipTableBytes bounds the table of contents of a zip archive, which is read
// as a whole before its members can be counted.
func zipTableBytes(members int) int64 { return 1<<20 + 256*int64(members) }

// tableReader lets a zip archive's table of contents be read up to a bound,
// and then the whole archive.
type tableReader struct {
	at    io.ReaderAt
	left  int64
	whole bool
}

func (t *tableReader) ReadAt(p []byte, off int64) (int, error) {
	if !t.whole {
		if t.left -= int64(len(p)); t.left < 0 {
			return 0, io.ErrUnexpectedEOF
		}
	}
	return t.at.ReadAt(p, off)
}

// openTar reads the members of a tar archive, one after another.
func (s *Source) openTar(l layer) {
	t := tar.NewReader(l.r)
	for i := 0; !s.stopped(); i++ {
		h, err := t.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			s.fail(problem(l.name, fmt.Errorf("the tar archive is damaged or cut: %w", err)))
			return
		}
		if i >= s.opt.Members {
			s.fail(problem(l.name, fmt.Errorf("more than %d members; the rest was not read", s.opt.Members)))
			return
		}
		if h.Typeflag != tar.TypeReg || !isMember(h.Name) {
			continue
		}
		s.open(layer{name: l.name + "!" + h.Name, r: t, depth: l.depth + 1, inline: true, users: l.users})
	}
}

// isMember tells whether an archive member may be an input.
func isMember(name string) bool {
	if strings.HasSuffix(name, "/") {
		return false
	}
	for part := range strings.SplitSeq(path.Clean(name), "/") {
		if part != ".." && ignored(part) {
			return false
		}
	}
	return true
}

// spool copies a zip archive that cannot be read at any place to a nameless
// file, since a zip's table of contents stands at its end.
func spool(r io.Reader, limit int64) (*os.File, int64, error) {
	f, err := os.CreateTemp("", "borj-zip-*")
	if err != nil {
		return nil, 0, fmt.Errorf("no room to unpack a zip archive: %w", err)
	}
	_ = os.Remove(f.Name()) // it lives until it is closed
	n, err := io.Copy(f, io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("the zip archive is larger than %d bytes", limit)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, n, nil
}

// countedReader counts what is read from r, or from at.
type countedReader struct {
	r  io.Reader
	at io.ReaderAt
	n  *atomic.Int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (c *countedReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.at.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}

// guard watches what one compressed stream, or all members of one archive
// together, become.
type guard struct {
	opt   *Options
	in    func() int64 // compressed bytes
	out   atomic.Int64
	blown atomic.Bool
}

// ratioFrom is how large a stream may become at any ratio: short logs of equal
// lines compress beyond every sensible ratio.
const ratioFrom = 256 << 20

func (g *guard) add(n int) error {
	out := g.out.Add(int64(n))
	switch {
	case out > g.opt.Decompressed:
		g.blown.Store(true)
		return fmt.Errorf("decompressed to more than %d bytes; the rest was not read", g.opt.Decompressed)
	case out > ratioFrom && out/g.opt.Ratio > g.in():
		g.blown.Store(true)
		return fmt.Errorf("decompressed to more than %d times its size, which looks like a decompression bomb; the rest was not read", g.opt.Ratio)
	}
	return nil
}

// guardedReader reads a decompressed stream within its guard's bounds, and
// says in its errors that it is the compression that is broken.
type guardedReader struct {
	r     io.Reader
	guard *guard
	what  string
}

func (g *guardedReader) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	if n > 0 {
		if err := g.guard.add(n); err != nil {
			return 0, err
		}
	}
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, fmt.Errorf("the %s data is cut short: what stood before was read; copy the file again: %w", g.what, err)
	}
	return n, fmt.Errorf("the %s data is damaged: what stood before was read: %w", g.what, err)
}
