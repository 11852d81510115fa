package output

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// File is an output that is buffered and never loses an error: the first one
// is kept, names the file and says what to do, and every later call returns it.
type File struct {
	name string
	buf  *bufio.Writer
	f    *os.File // nil for a stream that is not ours to close
	err  error

	temp, target string // f's name until Close renames it to target; "" when f has its own
}

const bufferSize = 64 << 10

// Create opens the output called name for writing, from its beginning. What is
// written stands in the file as soon as it is flushed, so that it can be
// followed. "-" is stdout.
func Create(name string, stdout io.Writer) (*File, error) {
	if name == "-" {
		return &File{name: "standard output", buf: bufio.NewWriterSize(stdout, bufferSize)}, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, explain(name, err)
	}
	return &File{name: name, buf: bufio.NewWriterSize(f, bufferSize), f: f}, nil
}

// CreateWhole opens the output called name so that it appears, complete, when
// Close succeeds, and not at all after Discard. A file that is there already
// keeps its permissions, and a symbolic link its target's place. A device or a
// pipe is written directly. "-" is stdout.
func CreateWhole(name string, stdout io.Writer) (*File, error) {
	info, err := os.Stat(name)
	if name == "-" || err == nil && !info.Mode().IsRegular() {
		return Create(name, stdout)
	}
	target := name
	if link, err := filepath.EvalSymlinks(name); err == nil {
		target = link
	}
	f, err := createBeside(target)
	if err != nil {
		return nil, explain(name, err)
	}
	if info != nil {
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			return nil, errors.Join(explain(name, err), f.Close(), os.Remove(f.Name()))
		}
	}
	return &File{name: name, buf: bufio.NewWriterSize(f, bufferSize), f: f, temp: f.Name(), target: target}, nil
}

// createBeside creates a hidden file in the directory of name, with the
// permissions that the umask leaves.
func createBeside(name string) (*os.File, error) {
	for n := 0; ; n++ {
		hidden := fmt.Sprintf(".%s.%d-%d", filepath.Base(name), os.Getpid(), n)
		f, err := os.OpenFile(filepath.Join(filepath.Dir(name), hidden), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil || n >= 100 || !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// Write buffers p.
func (o *File) Write(p []byte) (int, error) {
	n, err := o.buf.Write(p)
	return n, o.keep(err)
}

// Flush writes what is buffered. A nil File has nothing to write.
func (o *File) Flush() error {
	if o == nil {
		return nil
	}
	return o.keep(o.buf.Flush())
}

// Close flushes and closes, and returns the first error that there was. A nil
// File is closed already.
func (o *File) Close() error {
	err := o.Flush()
	if o == nil || o.f == nil {
		return err
	}
	o.keep(o.f.Close()) //nolint:errcheck // kept, and returned below
	if o.temp != "" {
		if o.err == nil {
			o.keep(os.Rename(o.temp, o.target)) //nolint:errcheck // likewise
		}
		if o.err != nil {
			os.Remove(o.temp) //nolint:errcheck // the first error is the one to tell
		}
	}
	return o.err
}

// errDiscarded keeps Close from publishing a file that was given up.
var errDiscarded = errors.New("given up")

// Discard gives up what CreateWhole opened, so that nothing appears. What
// Create opened is closed as it stands.
func (o *File) Discard() {
	if o == nil {
		return
	}
	o.keep(errDiscarded) //nolint:errcheck // makes Close remove the file
	o.Close()            //nolint:errcheck // nobody waits for it any more
}

func (o *File) keep(err error) error {
	if o.err == nil && err != nil {
		o.err = explain(o.name, err)
	}
	return o.err
}

// explain says which output failed and what can be done about it.
func explain(name string, err error) error {
	advice := ""
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = "; free some space, or name a file on another disk: what was written so far is not complete"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		advice = "; name a place where you may write"
	case errors.Is(err, fs.ErrNotExist):
		advice = "; create the directory first"
	case errors.Is(err, syscall.EISDIR):
		advice = "; name a file, not a directory"
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("cannot write %s: %w%s", name, err, advice)
}
