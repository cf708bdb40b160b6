package desk

import (
	"errors"
	"strings"
	"testing"
)

// TestMay is the rule, whichever way somebody publishes.
func TestMay(t *testing.T) {
	worse := []Difference{{ID: "v1"}}
	for _, tt := range []struct {
		name   string
		people int
		p      Publication
		worse  []Difference
		want   error
	}{
		{"two people", 2, Publication{Author: "lin", Approver: "wang"}, nil, nil},
		{"one of two", 2, Publication{Author: "lin"}, nil, ErrSelf},
		{"the same by another spelling", 2, Publication{Author: "lin", Approver: " Lin"}, nil, ErrSelf},
		{"a blank", 2, Publication{Author: "lin", Approver: "  "}, nil, ErrSelf},
		{"back, alone", 2, Publication{Author: "lin", Back: true, Of: 1}, nil, ErrSelf},
		{"back, by two, worse", 2, Publication{Author: "lin", Approver: "wang", Back: true}, worse, nil},
		{"one is enough", 1, Publication{Author: "lin"}, nil, nil},
		{"worse", 2, Publication{Author: "lin", Approver: "wang"}, worse, ErrWorse},
		{"worse, with a reason", 2, Publication{Author: "lin", Approver: "wang", Override: "另有文章"}, worse, nil},
		{"worse, alone with a reason", 1, Publication{Author: "lin", Override: "我说了算"}, worse, ErrSelf},
		{"worse, alone", 1, Publication{Author: "lin"}, worse, ErrWorse},
		{"back alone where one is enough", 1, Publication{Author: "lin", Back: true}, worse, nil},
	} {
		d := New(nil, nil, Options{People: tt.people})
		if err := d.May(tt.p, tt.worse); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// TestEveryWayIsTakenDown in a line of the same form, with who, the version, how and why.
func TestEveryWayIsTakenDown(t *testing.T) {
	c := newClassroom(t, 2)
	state, err := c.publisher.InForce()
	if err != nil {
		t.Fatal(err)
	}
	for i, way := range []Way{ByChat, ByConsole, ByCommand} {
		p := Publication{Author: "lin", Approver: "wang", Reason: "客户这么问", Way: way}
		if err := c.desk.Release(t.Context(), i+1, p, nil, state.Files); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.desk.Release(t.Context(), 4, Publication{Author: "lin", Reason: "r"}, nil, state.Files); !errors.Is(err, ErrSelf) {
		t.Errorf("alone: %v", err)
	}
	digests := make([]string, 4)
	for n := range digests {
		digests[n], _ = c.publisher.Digest(n)
	}
	want := []string{
		"wang|publish|客户这么问 → 版本 1（群聊，作者 lin）" + Vouching(1, digests[1]),
		"wang|publish|客户这么问 → 版本 2（控制台，作者 lin）" + Vouching(2, digests[2]),
		"wang|publish|客户这么问 → 版本 3（命令行，作者 lin）" + Vouching(3, digests[3]),
	}
	if got := strings.Join(c.audit, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("taken down\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}
