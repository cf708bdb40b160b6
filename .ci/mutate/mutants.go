package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"golang.org/x/tools/go/packages"
)

// mutant is one change behind a switch.
type mutant struct {
	id     int
	file   string // base name
	line   int
	within string // function
	what   string // the code as it stands and what becomes of it
	nth    int    // among equal changes of one function
}

// key names a mutant for as long as its function does not change.
func (m mutant) key() string {
	key := m.file + ":" + m.within + ": " + m.what
	if m.nth > 0 {
		key += fmt.Sprintf(" (%d)", m.nth+1)
	}
	return key
}

// mutated is a package with all its mutants written in.
type mutated struct {
	path    string // import path
	dir     string
	files   map[string][]byte // path of the original → text with switches
	name    string            // package clause
	mutants []mutant
}

func load(ctx context.Context, pattern string) (*mutated, error) {
	loaded, err := packages.Load(&packages.Config{
		Context: ctx,
		Mode:    packages.NeedName | packages.NeedCompiledGoFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
	}, pattern)
	if err != nil {
		return nil, err
	}
	if len(loaded) != 1 || len(loaded[0].Errors) > 0 {
		return nil, fmt.Errorf("%s: want one package that compiles, got %d: %v", pattern, len(loaded), loaded)
	}
	pkg := loaded[0]
	p := &mutated{path: pkg.PkgPath, name: pkg.Name, files: map[string][]byte{}}
	counted := map[string]int{}
	for i, file := range pkg.Syntax {
		path := pkg.CompiledGoFiles[i]
		p.dir = filepath.Dir(path)
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		w := &writer{pkg: pkg, source: source, base: filepath.Base(path), p: p, counted: counted}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				w.function = functionName(f)
				ast.Inspect(f.Body, w.visit)
			}
		}
		p.files[path] = w.apply()
	}
	if len(p.mutants) == 0 {
		return nil, errors.New(pattern + ": nothing to change")
	}
	return p, nil
}

func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	return strings.TrimPrefix(types.ExprString(f.Recv.List[0].Type), "*") + "." + f.Name.Name
}

// insertion is text put at an offset of the source. Nothing of the source is taken away
// or written twice, so that insertions of nested expressions do not disturb each other.
type insertion struct {
	at, order int
	text      string
}

type writer struct {
	pkg        *packages.Package
	source     []byte
	base       string
	function   string
	p          *mutated
	counted    map[string]int
	insertions []insertion
}

func (w *writer) offset(p token.Pos) int { return w.pkg.Fset.Position(p).Offset }

func (w *writer) text(n ast.Node) string {
	return strings.Join(strings.Fields(string(w.source[w.offset(n.Pos()):w.offset(n.End())])), " ")
}

// add makes a mutant of n. Shapes: before and behind are formats that take its number.
func (w *writer) add(n ast.Node, what, before, behind string) {
	m := mutant{id: len(w.p.mutants) + 1, file: w.base, line: w.pkg.Fset.Position(n.Pos()).Line, within: w.function, what: what}
	counter := m.file + m.within + m.what
	m.nth = w.counted[counter]
	w.counted[counter]++
	w.p.mutants = append(w.p.mutants, m)
	w.insert(w.offset(n.Pos()), strings.ReplaceAll(before, "ID", fmt.Sprint(m.id)))
	w.insert(w.offset(n.End()), strings.ReplaceAll(behind, "ID", fmt.Sprint(m.id)))
}

func (w *writer) insert(at int, text string) {
	if text != "" {
		w.insertions = append(w.insertions, insertion{at, len(w.insertions), text})
	}
}

func (w *writer) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		w.binary(n)
	case *ast.IfStmt:
		w.condition(n.Cond)
	case *ast.BlockStmt:
		w.statements(n.List)
	case *ast.CaseClause:
		w.statements(n.Body)
	case *ast.CommClause:
		w.statements(n.Body)
	case *ast.ReturnStmt:
		for _, r := range n.Results {
			w.returned(r)
		}
	}
	return true
}

// constant reports whether the compiler has worked out e; there a call may not stand.
func (w *writer) constant(e ast.Expr) bool { return w.pkg.TypesInfo.Types[e].Value != nil }

func (w *writer) isPlainBool(e ast.Expr) bool {
	t := w.pkg.TypesInfo.TypeOf(e)
	return t != nil && (types.Identical(t, types.Typ[types.Bool]) || types.Identical(t, types.Typ[types.UntypedBool]))
}

// binary changes what a comparison, a conjunction or a sum says. The two operands stay
// where they are: `a < b` becomes `(mutantOn(7) != (a < b))`.
func (w *writer) binary(n *ast.BinaryExpr) {
	if w.constant(n) || w.pkg.TypesInfo.TypeOf(n) == nil {
		return
	}
	if (n.Op == token.LAND || n.Op == token.LOR) && !w.isPlainBool(n) {
		return
	}
	switch n.Op {
	case token.LAND:
		w.add(n.Y, w.text(n)+" → without "+w.text(n.Y), "(mutantOn(ID) || (", "))")
		w.add(n.X, w.text(n)+" → without "+w.text(n.X), "(mutantOn(ID) || (", "))")
	case token.LOR:
		w.add(n.Y, w.text(n)+" → without "+w.text(n.Y), "(!mutantOn(ID) && (", "))")
		w.add(n.X, w.text(n)+" → without "+w.text(n.X), "(!mutantOn(ID) && (", "))")
	case token.LSS, token.GTR, token.LEQ, token.GEQ, token.EQL, token.NEQ:
		if !w.isPlainBool(n) {
			return
		}
		w.add(n, w.text(n)+" → its contrary", "(mutantOn(ID) != (", "))")
		if n.Op != token.EQL && n.Op != token.NEQ && w.isInteger(n.X) && !w.constant(n.X) {
			w.boundary(n)
		}
	case token.ADD, token.SUB:
		if w.isInteger(n) && (!w.constant(n.Y) || types.Identical(w.pkg.TypesInfo.TypeOf(n.Y), types.Typ[types.Int])) {
			w.add(n.Y, w.text(n)+" → the other sign", "mutantSign(ID, ", ")")
		}
	}
}

// boundary moves the bound by one: `a < b` becomes `a < b+1`, which is `a <= b`. The
// operand that is no constant is the one that moves, since it has a type.
func (w *writer) boundary(n *ast.BinaryExpr) {
	moved, up := n.Y, n.Op == token.LSS || n.Op == token.GEQ
	if w.constant(n.Y) {
		moved, up = n.X, !up
	}
	step := "mutantLess"
	if up {
		step = "mutantMore"
	}
	w.add(moved, w.text(n)+" → bound moved by one", step+"(ID, ", ")")
}

func (w *writer) isInteger(e ast.Expr) bool {
	t := w.pkg.TypesInfo.TypeOf(e)
	if t == nil {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}

// condition turns a condition round that binary does not reach.
func (w *writer) condition(e ast.Expr) {
	if _, ok := ast.Unparen(e).(*ast.BinaryExpr); ok || w.constant(e) || !w.isPlainBool(e) {
		return
	}
	w.add(e, "if "+w.text(e)+" → its contrary", "(mutantOn(ID) != (", "))")
}

// returned changes a boolean or an error that is returned.
func (w *writer) returned(e ast.Expr) {
	if id, ok := e.(*ast.Ident); ok && (id.Name == "true" || id.Name == "false") {
		w.add(e, "return "+id.Name+" → its contrary", "(mutantOn(ID) != ", ")")
		return
	}
	if id, ok := e.(*ast.Ident); ok && id.Name == "nil" {
		return
	}
	if t := w.pkg.TypesInfo.TypeOf(e); t != nil && types.Identical(t, types.Universe.Lookup("error").Type()) {
		w.add(e, "return "+w.text(e)+" → no error", "mutantError(ID, ", ")")
	}
}

// statements leaves out calls, assignments and counting, one at a time.
func (w *writer) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); ok && types.ExprString(call.Fun) == "panic" {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE || types.ExprString(s.Lhs[0]) == "_" {
				continue
			}
		case *ast.IncDecStmt, *ast.DeferStmt:
		default:
			continue
		}
		w.add(s, w.text(s)+" → left out", "if !mutantOn(ID) { ", " }")
	}
}

// apply returns the source with every insertion. At one offset what closes stands before
// what opens; of two that close, the inner one, added later, stands first.
func (w *writer) apply() []byte {
	sort.SliceStable(w.insertions, func(i, j int) bool {
		a, b := w.insertions[i], w.insertions[j]
		if a.at != b.at {
			return a.at < b.at
		}
		return closes(a.text) && closes(b.text) && a.order > b.order || closes(a.text) && !closes(b.text)
	})
	var out bytes.Buffer
	last := 0
	for _, in := range w.insertions {
		out.Write(w.source[last:in.at])
		out.WriteString(in.text)
		last = in.at
	}
	out.Write(w.source[last:])
	return out.Bytes()
}

func closes(text string) bool { return strings.HasSuffix(text, ")") || strings.HasSuffix(text, "}") }
