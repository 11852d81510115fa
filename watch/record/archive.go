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
	guard  *guard          // of the file that it all came from
}

func (s *Source) openFile(f file) {
	if f.err != nil {
		s.fail(problem(f.path, f.err))
		return
	}
	if f.path == "-" {
		in := &countedReader{r: s.opt.Stdin, n: &s.read}
		s.open(layer{name: "-", r: in, named: true, inline: true, users: new(sync.WaitGroup), guard: s.newGuard(in.own.Load)})
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
	l := layer{name: f.path, r: c, named: f.named, users: new(sync.WaitGroup), guard: s.newGuard(c.own.Load)}
	if info.Mode().IsRegular() {
		l.at, l.size = c, info.Size()
		l.guard.in = info.Size
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
	if err != nil && err != io.EOF && len(head) == 0 {
		s.fail(problem(l.name, err))
		return // otherwise whoever reads on meets the error behind what is whole
	}
	l.r = br
	wrap := wrapping(head)
	if wrap != plain && l.depth >= s.opt.Nesting {
		s.fail(problem(l.name, fmt.Errorf("archives are nested more than %d deep; unpack them first", s.opt.Nesting)))
		return
	}
	switch wrap {
	case gzipped:
		z, err := gzip.NewReader(br)
		if err != nil {
			s.fail(problem(l.name, fmt.Errorf("the gzip header is damaged: %w", err)))
			return
		}
		l.r = &guardedReader{r: &gzipMembers{z: z, from: br}, guard: l.guard, what: "gzip"}
	case zstandard:
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			s.fail(problem(l.name, fmt.Errorf("the zstd header is damaged: %w", err)))
			return
		}
		defer s.after(l.users, z.Close)
		l.r = &guardedReader{r: z, guard: l.guard, what: "zstd"}
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
// (RFC 1952 §2.3.1, RFC 8878 §3.1.1 and §3.1.2, APPNOTE.TXT §4.3, POSIX ustar).
func wrapping(head []byte) wrapped {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzipped
	case len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}): // a skippable frame
		return zstandard
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
		spooled, size, err := spool(l.r, s.opt.Spooled)
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
	for i, m := range z.File {
		if i >= s.opt.Members {
			s.fail(problem(l.name, fmt.Errorf("more than %d members; the rest was not read", s.opt.Members)))
			return
		}
		if s.stopped() || l.guard.blown.Load() {
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
		member := layer{name: name, r: &guardedReader{r: r, guard: l.guard, what: "zip"}, depth: l.depth + 1, inline: l.inline, users: new(sync.WaitGroup), guard: l.guard}
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
	for i := 0; !s.stopped() && !l.guard.blown.Load(); i++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
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
		if !isMember(h.Name) {
			continue
		}
		name := l.name + "!" + h.Name
		switch {
		case isSparse(h):
			s.fail(problem(name, errors.New("the member is a sparse file, whose holes could be of any size; unpack it first")))
		case h.Typeflag == tar.TypeReg:
			s.open(layer{name: name, r: t, depth: l.depth + 1, inline: true, users: new(sync.WaitGroup), guard: l.guard})
		}
	}
}

// isSparse tells whether a member has holes, which take no place in the
// archive (GNU tar's old format, and its PAX formats 0.0, 0.1 and 1.0).
func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
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
		err = fmt.Errorf("the zip archive is larger than the %d bytes that are kept for one that does not lie on disk by itself; save it as a file, and name that", limit)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, n, nil
}

// countedReader counts what is read from r, or from at.
type countedReader struct {
	r   io.Reader
	at  io.ReaderAt
	n   *atomic.Int64 // by all of them
	own atomic.Int64  // from r
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	c.own.Add(int64(n))
	return n, err
}

func (c *countedReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.at.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}

// guard watches what one file becomes: all that is decompressed out of it, in
// every layer, together.
type guard struct {
	opt   *Options
	in    func() int64 // bytes of the file, or of a pipe so far
	out   atomic.Int64
	blown atomic.Bool
}

func (s *Source) newGuard(in func() int64) *guard { return &guard{opt: &s.opt, in: in} }

// ratioFrom is how large a file may become at any ratio: short logs of equal
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

// gzipMembers reads the members of a gzip file one after another, and passes
// over zeros behind them, with which tapes and block devices fill up.
type gzipMembers struct {
	z    *gzip.Reader
	from *bufio.Reader
	ends bool // z stops where its member does
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		if !g.ends {
			g.z.Multistream(false)
			g.ends = true
		}
		n, err := g.z.Read(p)
		if n > 0 || !errors.Is(err, io.EOF) {
			if errors.Is(err, io.EOF) {
				err = nil // it comes again
			}
			return n, err
		}
		if err := skipZeros(g.from); err != nil {
			return 0, err
		}
		if err := g.z.Reset(g.from); err != nil {
			return 0, err
		}
		g.ends = false
	}
}

// skipZeros reads up to a byte that is not zero; it returns io.EOF if none
// comes.
func skipZeros(r *bufio.Reader) error {
	for {
		c, err := r.ReadByte()
		if err != nil {
			return err
		}
		if c != 0 {
			return r.UnreadByte()
		}
	}
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
