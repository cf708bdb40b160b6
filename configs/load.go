package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	envPrefix  = "AEOBOT_"
	envTest    = "AEOBOT_TEST_" // ours, for the tests
	fileSuffix = "_file"
)

// setting is one leaf of Config with the names it can be set by.
type setting struct {
	key   string // wecom.aibot.token
	env   string // AEOBOT_WECOM_AIBOT_TOKEN
	value reflect.Value
	// from says where a value came from, for messages; empty for the default.
	from string
}

func (s *setting) secret() bool { return s.value.Type() == reflect.TypeFor[Secret]() }

// settings lists the leaves of c, in the order of the schema.
func settings(v reflect.Value, path string) []*setting {
	var all []*setting
	for i := range v.NumField() {
		key := path + v.Type().Field(i).Tag.Get("yaml")
		if f := v.Field(i); f.Kind() == reflect.Struct {
			all = append(all, settings(f, key+".")...)
		} else {
			env := envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
			all = append(all, &setting{key: key, env: env, value: f})
		}
	}
	return all
}

// Flag is what the command line sets.
type Flag struct {
	Name   string // --redis, for messages
	Key    string // redis.url
	Values []string
}

// Load reads the file (none when path is empty), then the environment, each NAME=value,
// then the command line's flags; what comes later wins. Warnings are for the operator and stop nothing. Errors
// are one line that names the key, where it was set, and the mend; they never
// hold a secret.
func Load(path string, environ []string, flags ...Flag) (Config, []string, error) {
	c := Default()
	l := &loader{settings: settings(reflect.ValueOf(&c).Elem(), "")}
	if path != "" {
		if err := l.readFile(path); err != nil {
			return Config{}, nil, err
		}
	}
	if err := l.readEnvironment(environ); err != nil {
		return Config{}, nil, err
	}
	for _, f := range flags {
		if err := l.byKey(f.Key).setFlag(f); err != nil {
			return Config{}, nil, err
		}
	}
	if err := l.validate(c); err != nil {
		return Config{}, nil, err
	}
	return c, l.warnings, nil
}

// ErrOnce means that settings come from a pipe, which gives them once.
var ErrOnce = errors.New("can be read only once; what it says counts from the next start")

// LoadAccess reads again who may enter the console and command the bot, from the file and the
// environment that Load was given. Whatever else is set there is not looked at: it counts
// from the next start, perhaps of another version. It fails with ErrOnce where it could only
// wait for a pipe.
func LoadAccess(path string, environ []string) (Access, error) {
	c := Default()
	all := settings(reflect.ValueOf(&c).Elem(), "")
	l := &loader{partial: true, settings: slices.DeleteFunc(all, func(s *setting) bool { return !slices.Contains(accessKeys, s.key) })}
	if path != "" {
		if err := l.readFile(path); err != nil {
			return Access{}, err
		}
	}
	if err := l.readEnvironment(environ); err != nil {
		return Access{}, err
	}
	if err := l.validateConsole(c.Console); err != nil {
		return Access{}, err
	}
	return c.Access(), nil
}

type loader struct {
	settings []*setting
	warnings []string
	unknown  []string // variables
	partial  bool     // settings are not all there are
}

func (l *loader) byKey(key string) *setting {
	i := slices.IndexFunc(l.settings, func(s *setting) bool { return s.key == key })
	if i < 0 {
		return nil
	}
	return l.settings[i]
}

func (l *loader) readFile(path string) error {
	data, err := l.read(path)
	if err != nil {
		return fmt.Errorf("configs: %w; name a file that can be read and that nobody else can change", err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		line, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), "\n")
		return fmt.Errorf("configs: %s: %s; mend the YAML", path, line)
	}
	if len(root.Content) == 0 {
		return nil
	}
	return l.readNode(path, root.Content[0], "")
}

// read gives a file's content. It refuses one that is everybody's to write: settings and
// secrets decide who may enter.
func (l *loader) read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.Mode().IsRegular():
		if err := checkOwn(path, info); err != nil {
			return nil, err
		}
	case l.partial:
		return nil, fmt.Errorf("%s %w", path, ErrOnce)
	}
	return os.ReadFile(path)
}

// checkOwn fails when every user of this machine can change a file, or put another in its
// place.
func checkOwn(path string, info fs.FileInfo) error {
	if Exposed(info) {
		return fmt.Errorf("%s can be changed by every user of this machine; run chmod o-w %s", path, path)
	}
	folder := filepath.Dir(path)
	if around, err := os.Stat(folder); err == nil && Exposed(around) {
		return fmt.Errorf("every user of this machine can put another file in the place of %s; run chmod o-w %s", path, folder)
	}
	return nil
}

// Exposed reports whether every user of this machine can change a file, or what is in a folder.
// Of a folder with the sticky bit, such as that for temporary files, they can change only what
// is their own. Windows has no such bits.
func Exposed(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0
}

// readNode walks a mapping; prefix is the path of keys above it, with its dot.
func (l *loader) readNode(path string, n *yaml.Node, prefix string) error {
	if n.Kind != yaml.MappingNode {
		if n.Tag == "!!null" {
			return nil // a group with all its keys commented out
		}
		return fmt.Errorf("configs: %s:%d: %q must hold keys, each on a line of its own", path, n.Line, strings.TrimSuffix(prefix, "."))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		from := fmt.Sprintf("%s:%d", path, key.Line)
		full := prefix + key.Value
		switch s := l.byKey(full); {
		case s != nil:
			if err := s.setNode(from, value); err != nil {
				return err
			}
		case l.isGroup(full):
			if err := l.readNode(path, value, full+"."); err != nil {
				return err
			}
		default:
			if done, err := l.setSecretFile(full, from, value.Value); done || err != nil {
				if err != nil {
					return err
				}
				continue
			}
			if l.partial {
				continue
			}
			return fmt.Errorf("configs: %s: unknown key %q%s", from, full, l.meant(full))
		}
	}
	return nil
}

func (l *loader) isGroup(key string) bool {
	return slices.ContainsFunc(l.settings, func(s *setting) bool { return strings.HasPrefix(s.key, key+".") })
}

// setSecretFile handles token_file: it names the file that holds the token.
func (l *loader) setSecretFile(key, from, file string) (bool, error) {
	base, ok := strings.CutSuffix(key, fileSuffix)
	s := l.byKey(base)
	if !ok || s == nil || !s.secret() {
		return false, nil
	}
	return true, l.setFromFile(s, from, file)
}

// meant suggests the known key nearest to a slip.
func (l *loader) meant(key string) string {
	best, distance := "", 3
	for _, s := range l.settings {
		if d := editDistance(s.key, key); d < distance {
			best, distance = s.key, d
		}
	}
	if best == "" {
		return "; remove it, or see configs/aeobot.example.yaml for the keys there are"
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

func (l *loader) readEnvironment(environ []string) error {
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || strings.HasPrefix(name, envTest) {
			continue
		}
		if err := l.setVariable(name, value); err != nil {
			return err
		}
	}
	switch len(l.unknown) {
	case 0:
	case 1:
		l.warnings = append(l.warnings, "unknown environment variable "+l.unknown[0]+" is ignored")
	default:
		l.warnings = append(l.warnings, "unknown environment variables are ignored: "+strings.Join(l.unknown, ", "))
	}
	return nil
}

// injected are the variables that Kubernetes and links of Docker set in a container for
// every service beside it. Those for a service called aeobot, or aeobot-redis, begin as ours.
var injected = []struct{ name, value *regexp.Regexp }{
	{regexp.MustCompile(`_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$`), regexp.MustCompile(``)},
	{regexp.MustCompile(`_PORT(_[0-9]+_(TCP|UDP|SCTP))?$`), regexp.MustCompile(`^(tcp|udp|sctp)://`)},
	{regexp.MustCompile(`_PORT_[0-9]+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR)$`), regexp.MustCompile(``)},
	{regexp.MustCompile(`_NAME$`), regexp.MustCompile(`^/`)},
	{regexp.MustCompile(`^AEOBOT(_[A-Z0-9_]+)?_ENV_`), regexp.MustCompile(``)},
}

func isInjected(name, value string) bool {
	for _, i := range injected {
		if i.name.MatchString(name) && i.value.MatchString(value) {
			return true
		}
	}
	return false
}

func (l *loader) setVariable(name, value string) error {
	for _, s := range l.settings {
		switch {
		case s.env == name:
			return s.setText(name, value)
		case s.secret() && s.env+strings.ToUpper(fileSuffix) == name:
			return l.setFromFile(s, name, value)
		}
	}
	if l.partial || isInjected(name, value) {
		return nil
	}
	for _, s := range l.settings {
		if editDistance(s.env, name) <= 2 {
			return fmt.Errorf("configs: unknown environment variable %s; did you mean %s?", name, s.env)
		}
	}
	l.unknown = append(l.unknown, name)
	return nil
}

var errTwice = errors.New("is set twice")

// claim notes where a value comes from. The environment may override the file;
// a value and a file of the same secret in one place contradict each other.
func (s *setting) claim(from string) error {
	env := func(where string) bool { return strings.HasPrefix(where, envPrefix) }
	if s.from != "" && env(s.from) == env(from) {
		return fmt.Errorf("configs: %s %w, by %s and %s; keep one", s.key, errTwice, s.from, from)
	}
	s.from = from
	return nil
}

// setFlag sets what a flag says, whatever was set before. A list's values are taken as
// they are: a path may have a comma.
func (s *setting) setFlag(f Flag) error {
	s.from = ""
	if s.value.Kind() == reflect.Slice {
		s.from = f.Name
		s.value.Set(reflect.ValueOf(f.Values))
		return nil
	}
	return s.setText(f.Name, f.Values[len(f.Values)-1])
}

func (l *loader) setFromFile(s *setting, from, file string) error {
	data, err := l.read(file)
	if err != nil {
		return fmt.Errorf("configs: %s (%s): %w; name a file that can be read and that nobody else can change", s.key, from, err)
	}
	return s.setText(from, strings.TrimRight(string(data), "\r\n"))
}

func (s *setting) setNode(from string, n *yaml.Node) error {
	if s.value.Kind() != reflect.Slice {
		if n.Kind != yaml.ScalarNode {
			return s.wrong(from, "must be a single value")
		}
		return s.setText(from, n.Value)
	}
	if err := s.claim(from); err != nil {
		return err
	}
	var list []string
	if err := n.Decode(&list); err != nil {
		return s.wrong(from, "must be a list of texts")
	}
	s.value.Set(reflect.ValueOf(list))
	return nil
}

// setText reads a value as it stands in the environment.
func (s *setting) setText(from, text string) error {
	if err := s.claim(from); err != nil {
		return err
	}
	switch target := s.value.Addr().Interface().(type) {
	case *string:
		*target = text
	case *Secret:
		*target = Secret(text)
	case *bool:
		on, err := strconv.ParseBool(text)
		if err != nil {
			return s.wrong(from, fmt.Sprintf("%q is neither true nor false", text))
		}
		*target = on
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return s.wrong(from, fmt.Sprintf("%q is no number", text))
		}
		*target = n
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return s.wrong(from, fmt.Sprintf("%q is no duration; write it like 10m or 30s", text))
		}
		*target = d
	case *[]string:
		*target = nil
		for _, item := range strings.Split(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				*target = append(*target, item)
			}
		}
	default:
		return s.wrong(from, fmt.Sprintf("has no reader for %T", target))
	}
	return nil
}

func (s *setting) wrong(from, what string) error {
	if from == "" {
		return fmt.Errorf("configs: %s %s", s.key, what)
	}
	return fmt.Errorf("configs: %s (%s): %s", s.key, from, what)
}

// editDistance counts the characters to insert, delete or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			next := diagonal
			if a[i] != b[j] {
				next = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
