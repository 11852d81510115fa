package record

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

// Options say how inputs are read. The zero value of a bound means its default.
type Options struct {
	Auto   bool   // recognise each input by its content; Format is then unused
	Format Format // what every input is said to be

	Limits       Limits // of one record; 0 means that of DefaultLimits
	Decompressed int64  // bytes that one file may become when all in it is decompressed; default 64 GiB
	Ratio        int64  // how many times its size a file may become so, once that is over 256 MiB; default 500
	Spooled      int64  // bytes of a zip archive that is copied to a temporary file, since it is no file by itself; default 4 GiB
	Members      int    // members of one archive; default 100,000
	Nesting      int    // archives and compressions inside one another; default 4
	Ahead        int    // inputs that are opened and decompressed ahead of the one that is read; default 2

	Stdin io.Reader // what "-" reads; default os.Stdin
}

func (o Options) withDefaults() Options {
	if o.Limits.Line <= 0 {
		o.Limits.Line = DefaultLimits.Line
	}
	if o.Limits.Depth <= 0 {
		o.Limits.Depth = DefaultLimits.Depth
	}
	if o.Limits.Fields <= 0 {
		o.Limits.Fields = DefaultLimits.Fields
	}
	if o.Decompressed <= 0 {
		o.Decompressed = 64 << 30
	}
	if o.Ratio <= 0 {
		o.Ratio = 500
	}
	if o.Spooled <= 0 {
		o.Spooled = 4 << 30
	}
	if o.Members <= 0 {
		o.Members = 100_000
	}
	if o.Nesting <= 0 {
		o.Nesting = 4
	}
	if o.Ahead <= 0 {
		o.Ahead = 2
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	return o
}

// Source reads the records of many inputs, one after another, in the order in
// which they were named. Its methods are for one goroutine, except Files,
// Progress and Close, which may be called from any.
type Source struct {
	opt      Options
	files    []file
	total    int64 // bytes of files
	endless  bool  // some of them are pipes and the like
	read     atomic.Int64
	streams  chan *stream
	current  *stream
	done     chan struct{}
	starting sync.Mutex // guards started and closed
	started  bool
	closed   bool
	readers  sync.WaitGroup
	problems []error
	inputs   []Input
	skipped  []Input
}

// file is one file of the walk. Named files must be readable as events; those
// that a directory holds are passed over when they are something else.
type file struct {
	path    string
	named   bool
	size    int64
	endless bool // standard input, a pipe, a device
	err     error
}

// stream is one input on its way from its reader to Next.
type stream struct {
	chunks  chan *Chunk
	begun   bool
	input   *Input // set before the first chunk, and before chunks is closed
	err     error  // set before chunks is closed: why it could not be read to its end
	skipped bool   // not an input of events
}

// Open plans the walk of the inputs: files, directories (recursively, sorted
// by name, without hidden files and __MACOSX) and "-" for standard input. The
// .gz, .zst, .zip and .tar of any of these are recognised by their content.
// Nothing is read before Next. What cannot be read is told by Problems, and
// does not keep the others from being read.
func Open(paths []string, opt Options) (*Source, error) {
	if len(paths) == 0 {
		return nil, errors.New("no input: name files, directories, or - for standard input")
	}
	s := &Source{opt: opt.withDefaults(), done: make(chan struct{})}
	for _, p := range paths {
		s.plan(p)
	}
	for _, f := range s.files {
		s.total += f.size
		s.endless = s.endless || f.endless
	}
	s.streams = make(chan *stream, s.opt.Ahead)
	return s, nil
}

func (s *Source) plan(path string) {
	if path == "-" {
		s.files = append(s.files, file{path: path, named: true, endless: true})
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		s.files = append(s.files, file{path: path, named: true, err: err})
		return
	}
	if !info.IsDir() {
		s.files = append(s.files, file{path: path, named: true, size: info.Size(), endless: !info.Mode().IsRegular()})
		return
	}
	root := path
	if link, err := os.Lstat(path); err == nil && link.Mode()&fs.ModeSymlink != 0 {
		root += string(filepath.Separator) // WalkDir follows no link that is named without
	}
	// The error of the walk itself is that of its callback, which returns none.
	_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			s.files = append(s.files, file{path: p, named: true, err: err})
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case p != root && ignored(d.Name()):
			if d.IsDir() {
				return fs.SkipDir
			}
		case !d.IsDir():
			s.found(p)
		}
		return nil
	})
}

// found plans an entry of a directory. Links to files are followed. Links to
// directories might lead in a circle, and pipes and devices might never end:
// they are read when they are named.
func (s *Source) found(path string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		s.files = append(s.files, file{path: path, err: err})
	case info.IsDir():
		s.skipped = append(s.skipped, Input{Name: path, Shape: "a link to a directory, which is not followed: name it to have it read"})
	case !info.Mode().IsRegular():
		s.skipped = append(s.skipped, Input{Name: path, Shape: "a pipe or device, which might never end: name it to have it read"})
	default:
		s.files = append(s.files, file{path: path, size: info.Size()})
	}
}

// ignored tells whether a directory entry or archive member is never an input.
func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || name == "__MACOSX"
}

// start begins the walk, once; it is false after Close.
func (s *Source) start() bool {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.closed {
		return false
	}
	if !s.started {
		s.started = true
		s.readers.Add(1)
		go s.walk()
	}
	return true
}

// Next returns the next chunk, in the order of the inputs, and io.EOF at the
// end and after Close, which also ends a Next that waits for an idle input. It
// returns no other error: an input that cannot be read to its end is told by
// Problems.
func (s *Source) Next() (*Chunk, error) {
	if !s.start() {
		return nil, io.EOF
	}
	for {
		if s.current == nil {
			select {
			case st, ok := <-s.streams:
				if !ok {
					return nil, io.EOF
				}
				s.current = st
			case <-s.done:
				return nil, io.EOF
			}
		}
		st := s.current
		var c *Chunk
		var ok bool
		select {
		case c, ok = <-st.chunks:
		case <-s.done:
			return nil, io.EOF
		}
		if ok {
			if !st.begun {
				st.begun = true
				s.inputs = append(s.inputs, *st.input)
				c.First = true
			}
			return c, nil
		}
		switch {
		case st.err != nil:
			s.problems = append(s.problems, st.err)
		case st.skipped:
			s.skipped = append(s.skipped, *st.input)
		case !st.begun && st.input != nil:
			s.inputs = append(s.inputs, *st.input)
		}
		s.current = nil
	}
}

// Problems returns what could not be read to its end, and why, so far. Each
// error names its input.
func (s *Source) Problems() []error { return s.problems }

// Inputs returns the inputs whose reading began, and how each is read.
func (s *Source) Inputs() []Input { return s.inputs }

// Skipped returns what was found in directories and archives and not read:
// files that hold no events in any known format, links to directories, pipes
// and devices. Shape says what they are, as far as it is known.
func (s *Source) Skipped() []Input { return s.skipped }

// Files returns the paths of the files on disk that the walk found, in the
// order in which they are read: those that were named and those that
// directories hold, without standard input and what is not there. It is known
// as soon as Open returns.
func (s *Source) Files() []string {
	var paths []string
	for _, f := range s.files {
		if f.err == nil && !f.endless {
			paths = append(paths, f.path)
		}
	}
	return paths
}

// Limits returns the bounds of one record, for the Flatteners that are to read
// the chunks.
func (s *Source) Limits() Limits { return s.opt.Limits }

// Progress returns how many bytes of the files on disk were read, and how many
// there are: 0 when that is not known. It may be called at any time.
func (s *Source) Progress() (read, total int64) {
	if s.endless {
		return s.read.Load(), 0
	}
	return s.read.Load(), s.total
}

// Close stops reading, and waits until the files are closed. It does not wait
// for standard input and pipes, which may never end. Chunks that were returned stay
// valid. It may be called while Next waits, and more than once.
func (s *Source) Close() error {
	s.starting.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	s.starting.Unlock()
	if !s.endless {
		s.readers.Wait()
	}
	return nil
}

// walk opens the files in order. It runs in a goroutine of its own.
func (s *Source) walk() {
	defer s.readers.Done()
	defer close(s.streams)
	for _, f := range s.files {
		if s.stopped() {
			return
		}
		s.openFile(f)
	}
}

func (s *Source) stopped() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// begin queues a stream; it is false after Close.
func (s *Source) begin() (*stream, bool) {
	st := &stream{chunks: make(chan *Chunk, 2)}
	select {
	case s.streams <- st:
		return st, true
	case <-s.done:
		return nil, false
	}
}

// fail queues an input that cannot be read at all.
func (s *Source) fail(err error) {
	if st, ok := s.begin(); ok {
		st.err = err
		close(st.chunks)
	}
}

var errStopped = errors.New("reading was stopped")

// send hands a chunk to Next.
func (s *Source) send(st *stream, c *Chunk) error {
	select {
	case st.chunks <- c:
		return nil
	case <-s.done:
		c.Release()
		return errStopped
	}
}

// problem says what failed where, and what to do about it.
func problem(name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) && strings.Contains(name, path.Path) {
		err = path.Err // the name is already there
	}
	hint := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint = "; check the name"
	case errors.Is(err, fs.ErrPermission):
		hint = "; check its permissions"
	}
	return fmt.Errorf("%s: %w%s", name, err, hint)
}
