package bot

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

func shippedLibrary(t testing.TB) *knowledge.Library {
	t.Helper()
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// everyRef refers to every passage, and to every clause of those that have clauses.
func everyRef(l *knowledge.Library) (refs []string) {
	for _, p := range l.Passages() {
		for clause := range len(p.Clauses) + 1 {
			refs = append(refs, hit{passage: p, clause: clause}.ref())
		}
	}
	return refs
}

func TestHandleBringsItsViewBack(t *testing.T) {
	l := shippedLibrary(t)
	refs := everyRef(l)
	for n := range min(maxHandleRefs, len(refs)) {
		v := View{Knowledge: l.Fingerprint[:fingerprintLen], Day: "2026-11-24", Shown: refs[:n], Pending: refs[n:min(n+n/2, len(refs))]}
		if n%2 == 0 {
			v.Day = ""
		}
		handle := writeHandle(l, v)
		if len(pressMore)+1+len(handle) > maxKeyBytes {
			t.Errorf("%d shown: the key has %d bytes", n, len(handle))
		}
		got := readHandle(l, handle)
		if len(got.Shown) == 0 {
			got.Shown = refs[:0]
		}
		if len(got.Pending) == 0 {
			got.Pending = refs[n:n]
		}
		if !reflect.DeepEqual(got, v) {
			t.Fatalf("%d shown: got %+v, want %+v", n, got, v)
		}
	}
}

// TestHandleOfManyKeepsTheNewest: what was shown last and what comes next.
func TestHandleOfManyKeepsTheNewest(t *testing.T) {
	l := shippedLibrary(t)
	refs := everyRef(l)
	for len(refs) < 3*maxHandleRefs {
		refs = append(refs, refs...)
	}
	handle := writeHandle(l, View{Shown: refs[:2*maxHandleRefs], Pending: refs[:2*maxHandleRefs]})
	got := readHandle(l, handle)
	if len(pressMore)+1+len(handle) > maxKeyBytes || len(got.Shown) == 0 || got.Shown[len(got.Shown)-1] != refs[2*maxHandleRefs-1] || got.Pending[0] != refs[0] {
		t.Errorf("%d bytes: %+v", len(handle), got)
	}
}

// TestHandleOfOtherKnowledgeIsVoid: positions that hold something else now are left out.
func TestHandleOfOtherKnowledgeIsVoid(t *testing.T) {
	l := shippedLibrary(t)
	handle := writeHandle(l, View{Shown: everyRef(l)[:5]})
	other, err := knowledge.LoadFS(fstest.MapFS{"other.txt": {Data: []byte("别的文章\n一、别的清单\n1、别的第一条措施\n2、别的第二条措施\n")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := readHandle(other, handle); len(got.Shown) != 0 || got.Knowledge == "" {
		t.Errorf("got %+v", got)
	}
	for _, bad := range []string{"", "!", "AA", "Ag", "AQ", strings.Repeat("A", 2000), handle[:len(handle)-1] + "!", handle[:len(handle)/2]} {
		readHandle(l, bad) // whatever it gives, it does not fail
	}
}

// FuzzReadHandle: buttons come from outside; whatever is in a key, what it brings back
// stands in the knowledge.
func FuzzReadHandle(f *testing.F) {
	l := shippedLibrary(f)
	f.Add(writeHandle(l, View{Day: "2026-01-07", Shown: everyRef(l)[:3], Pending: everyRef(l)[3:9]}))
	f.Add("AQAA")
	f.Fuzz(func(t *testing.T, handle string) {
		v := readHandle(l, handle)
		for _, refs := range [][]string{v.Shown, v.Pending} {
			if len(refs) > maxHandleRefs {
				t.Errorf("%d references", len(refs))
			}
			if got := recall(l, refs); len(got) != len(refs) {
				t.Errorf("%q: %d of %d references lead to passages", handle, len(got), len(refs))
			}
		}
		if again := readHandle(l, writeHandle(l, v)); fmt.Sprint(again) != fmt.Sprint(v) {
			t.Errorf("%q: read %+v, written and read again %+v", handle, v, again)
		}
	})
}
