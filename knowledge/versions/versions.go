// Package versions keeps the published states of the knowledge: each a folder with all
// its files and a record of who published it, when and why. A state is never changed;
// what is in force is the one with the highest number, and going back publishes the old
// files anew. It knows files and hashes and nothing of what stands in them.
//
// On disk, below the folder it is given: 000001/version.json, 000001/<files>, 000002/ …
// A state is written beside and renamed into its place, which fails when the number is
// taken: a reader sees all of it or nothing, whatever stops the program, and of two who
// publish at once one is told that the other was first.
package versions

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Version is one published state.
type Version struct {
	Number int `json:"number"` // from 1
	// Before is the SHA-256 of the record before this one, so that no record can be
	// changed unnoticed; empty for the first.
	Before string    `json:"before"`
	At     time.Time `json:"at"`
	Author string    `json:"author"`
	// Approver is the second person, when there was one.
	Approver string `json:"approver,omitempty"`
	Reason   string `json:"reason"`
	// Of is the number of the state that came back.
	Of int `json:"of,omitempty"`
	// Override is why it was published although something got worse.
	Override string `json:"override,omitempty"`
	// Fingerprint is the library's, as it was read when it was published. It is for people to
	// read: the digest of the record is what names a state.
	Fingerprint string `json:"fingerprint"`
	// Files are the SHA-256 of each file.
	Files map[string]string `json:"files"`
}

// Errors.
var (
	// ErrStale means that another state was published meanwhile.
	ErrStale = errors.New("versions: another version was published meanwhile; look at it and publish again")
	// ErrUnknown means that there is no version of that number.
	ErrUnknown = errors.New("versions: no such version")
	// ErrChanged means that a stored state is not what was published.
	ErrChanged = errors.New("versions: a published state was changed")
	// ErrDiverged means that two chains of versions cannot be one: a record names another
	// as the one before it than the one that is here.
	ErrDiverged = errors.New("versions: the chains of versions have parted")
	// ErrName means that a file cannot be named so.
	ErrName = errors.New("versions: not a file name")
	// ErrIncomplete means that author, reason or files are missing.
	ErrIncomplete = errors.New("versions: a version needs an author, a reason and files")
)

const (
	recordName = "version.json"
	// maxName bounds a file's name, in bytes.
	maxName = 200
)

// Folder is where published states are kept. Several processes may use it at once.
type Folder struct{ root string }

// Open uses a folder, which need not exist before something is published.
func Open(root string) *Folder { return &Folder{root} }

func (f *Folder) path(number int) string { return filepath.Join(f.root, fmt.Sprintf("%06d", number)) }

var numbered = regexp.MustCompile(`^\d{6,9}$`)

// numbers lists what there is, in order.
func (f *Folder) numbers() ([]int, error) {
	entries, err := os.ReadDir(f.root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("versions: %w; choose another data folder with --data or data_dir", err)
	}
	var all []int
	for _, e := range entries {
		var n int
		if e.IsDir() && numbered.MatchString(e.Name()) {
			if _, err := fmt.Sscan(strings.TrimLeft(e.Name(), "0"), &n); err == nil {
				all = append(all, n)
			}
		}
	}
	slices.Sort(all)
	return all, nil
}

// Head is what is in force; false when nothing was ever published.
func (f *Folder) Head() (Version, bool, error) {
	all, err := f.numbers()
	if err != nil || len(all) == 0 {
		return Version{}, false, err
	}
	v, err := f.Get(all[len(all)-1])
	return v, err == nil, err
}

// All lists the records, the newest first.
func (f *Folder) All() ([]Version, error) {
	numbers, err := f.numbers()
	if err != nil {
		return nil, err
	}
	slices.Reverse(numbers)
	var all []Version
	for _, n := range numbers {
		v, err := f.Get(n)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Get gives one record.
func (f *Folder) Get(number int) (Version, error) {
	data, err := f.record(number)
	if err != nil {
		return Version{}, err
	}
	return readRecord(data, number)
}

func (f *Folder) record(number int) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(f.path(number), recordName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %d", ErrUnknown, number)
	}
	if err != nil {
		return nil, fmt.Errorf("versions: %w", err)
	}
	return data, nil
}

func readRecord(data []byte, number int) (Version, error) {
	var v Version
	if err := json.Unmarshal(data, &v); err != nil {
		return Version{}, fmt.Errorf("%w: record of %d: %w", ErrChanged, number, err)
	}
	if v.Number != number {
		return Version{}, fmt.Errorf("%w: record of %d calls itself %d", ErrChanged, number, v.Number)
	}
	for name := range v.Files {
		if err := checkName(name); err != nil {
			return Version{}, fmt.Errorf("%w: record of %d: %w", ErrChanged, number, err)
		}
	}
	return v, nil
}

// Files gives the files of a state, each proved by its hash.
func (f *Folder) Files(v Version) (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, sum := range v.Files {
		if err := checkName(name); err != nil {
			return nil, err
		}
		data, err := os.ReadFile(filepath.Join(f.path(v.Number), name))
		if err != nil {
			return nil, fmt.Errorf("%w: %d: %w", ErrChanged, v.Number, err)
		}
		if hashOf(data) != sum {
			return nil, fmt.Errorf("%w: %d: %s does not have the hash it was published with", ErrChanged, v.Number, name)
		}
		files[name] = data
	}
	return files, nil
}

// Path is the folder that holds the files of a state.
func (f *Folder) Path(v Version) string { return f.path(v.Number) }

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// checkName refuses what is no plain file name: published files lie in one folder.
func checkName(name string) error {
	if name == "" || len(name) > maxName || name == recordName || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/\\\x00\n\r") || !fs.ValidPath(name) {
		return fmt.Errorf("%w: %q", ErrName, name)
	}
	return nil
}

// Publish makes files the state in force, when v.Number-1 still is. Number, Author, Reason
// and Fingerprint are the caller's; hashes are filled in. A crash at any moment leaves the
// state before, or this one.
func (f *Folder) Publish(v Version, files map[string][]byte) (Version, error) {
	v, record, err := f.Prepare(v, files)
	if err != nil {
		return Version{}, err
	}
	return v, f.store(v.Number, record, files)
}

// Prepare gives a version with its hashes, and its record, without publishing it: for
// Take, once nobody else can have the number.
func (f *Folder) Prepare(v Version, files map[string][]byte) (Version, []byte, error) {
	if strings.TrimSpace(v.Author) == "" || strings.TrimSpace(v.Reason) == "" || len(files) == 0 {
		return Version{}, nil, ErrIncomplete
	}
	v.Files, v.Before = map[string]string{}, ""
	for name, data := range files {
		if err := checkName(name); err != nil {
			return Version{}, nil, err
		}
		v.Files[name] = hashOf(data)
	}
	if v.Number > 1 {
		before, err := f.record(v.Number - 1)
		if err != nil {
			return Version{}, nil, err
		}
		v.Before = hashOf(before)
	}
	record, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return Version{}, nil, fmt.Errorf("versions: %w", err)
	}
	return v, append(record, '\n'), nil
}

// Record gives the bytes of a record, for another replica's Take.
func (f *Folder) Record(v Version) ([]byte, error) { return f.record(v.Number) }

// Digest is the SHA-256 of a record: what the record after it says of it. Equal digests mean
// equal records, and so equal history.
func (f *Folder) Digest(number int) (string, error) {
	record, err := f.record(number)
	if err != nil {
		return "", err
	}
	return DigestOf(record), nil
}

// Digests are those of all records, from number 1 on.
func (f *Folder) Digests() (all []string, err error) {
	numbers, err := f.numbers()
	for i, n := range numbers {
		if n != i+1 {
			return nil, fmt.Errorf("%w: %d is missing", ErrChanged, i+1)
		}
		digest, err := f.Digest(n)
		if err != nil {
			return nil, err
		}
		all = append(all, digest)
	}
	return all, err
}

// DigestOf is the digest of a record.
func DigestOf(record []byte) string { return hashOf(record) }

// parseRecord reads a record that came from elsewhere.
func parseRecord(record []byte) (Version, error) {
	var named struct {
		Number int `json:"number"`
	}
	if err := json.Unmarshal(record, &named); err != nil {
		return Version{}, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	if named.Number < 1 {
		return Version{}, fmt.Errorf("%w: a record calls itself %d", ErrChanged, named.Number)
	}
	return readRecord(record, named.Number)
}

// Check proves that files are those of a record.
func Check(record []byte, files map[string][]byte) (Version, error) {
	v, err := parseRecord(record)
	if err != nil {
		return Version{}, err
	}
	if len(files) != len(v.Files) {
		return Version{}, fmt.Errorf("%w: %d has other files than its record says", ErrChanged, v.Number)
	}
	for name, data := range files {
		if v.Files[name] != hashOf(data) {
			return Version{}, fmt.Errorf("%w: %d: %s does not have the hash it was published with", ErrChanged, v.Number, name)
		}
	}
	return v, nil
}

// Take stores a state that another replica published, after proving that it follows the
// one in force here: it fails with ErrDiverged otherwise. One that is here already is left
// alone when it is the same.
func (f *Folder) Take(record []byte, files map[string][]byte) (Version, error) {
	v, err := parseRecord(record)
	if err != nil {
		return Version{}, err
	}
	if have, err := f.Digest(v.Number); err == nil {
		return v, sameRecord(v.Number, have, record)
	}
	if err := f.follows(v); err != nil {
		return Version{}, err
	}
	if _, err := Check(record, files); err != nil {
		return Version{}, err
	}
	err = f.store(v.Number, record, files)
	if errors.Is(err, ErrStale) { // another process may have taken the same
		if have, missing := f.Digest(v.Number); missing == nil {
			err = sameRecord(v.Number, have, record)
		}
	}
	return v, err
}

// follows fails when a version does not vouch for the one before its number here.
func (f *Folder) follows(v Version) (err error) {
	before := ""
	if v.Number > 1 {
		if before, err = f.Digest(v.Number - 1); err != nil {
			return err
		}
	}
	if before != v.Before {
		return fmt.Errorf("%w: version %d does not follow version %d here", ErrDiverged, v.Number, v.Number-1)
	}
	return nil
}

func sameRecord(number int, have string, record []byte) error {
	if have != hashOf(record) {
		return fmt.Errorf("%w: number %d is taken by another state here", ErrStale, number)
	}
	return nil
}

// store makes a state the one in force when the one before it is.
func (f *Folder) store(number int, record []byte, files map[string][]byte) error {
	if err := os.MkdirAll(f.root, 0o755); err != nil {
		return fmt.Errorf("versions: %w; make the data folder writable", err)
	}
	numbers, err := f.numbers()
	if err != nil {
		return err
	}
	if len(numbers) > 0 && numbers[len(numbers)-1] != number-1 || len(numbers) == 0 && number != 1 {
		return ErrStale
	}
	return f.place(number, record, files)
}

// place writes a state beside and renames it into its place.
func (f *Folder) place(number int, record []byte, files map[string][]byte) error {
	beside, err := os.MkdirTemp(f.root, ".publish-*")
	if err != nil {
		return fmt.Errorf("versions: %w; make the data folder writable", err)
	}
	defer os.RemoveAll(beside) // after the rename there is nothing to remove
	all := maps.Clone(files)
	all[recordName] = record
	for name, data := range all {
		if err := writeSynced(filepath.Join(beside, name), data); err != nil {
			return fmt.Errorf("versions: %w", err)
		}
	}
	if err := errors.Join(os.Chmod(beside, 0o755), syncFolder(beside)); err != nil {
		return fmt.Errorf("versions: %w", err)
	}
	if err := os.Rename(beside, f.path(number)); err != nil {
		if _, there := f.record(number); there == nil {
			return ErrStale
		}
		return fmt.Errorf("versions: %w", err)
	}
	return syncFolder(f.root)
}

func writeSynced(name string, data []byte) (err error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Verify proves that every record follows the one before and every file is what was
// published. It gives how many versions and files it has looked at.
func (f *Folder) Verify() (versions, files int, err error) {
	numbers, err := f.numbers()
	if err != nil {
		return 0, 0, err
	}
	before := ""
	for i, n := range numbers {
		if n != i+1 {
			return versions, files, fmt.Errorf("%w: %d is missing", ErrChanged, i+1)
		}
		record, err := f.record(n)
		if err != nil {
			return versions, files, err
		}
		v, err := readRecord(record, n)
		if err != nil {
			return versions, files, err
		}
		if v.Before != before {
			return versions, files, fmt.Errorf("%w: the record before %d", ErrChanged, n)
		}
		held, err := f.Files(v)
		if err != nil {
			return versions, files, err
		}
		before, versions, files = hashOf(record), versions+1, files+len(held)
	}
	return versions, files, nil
}
