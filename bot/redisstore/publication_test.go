package redisstore_test

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"aeobot/bot"
	"aeobot/bot/redisstore"
	"aeobot/bot/storetest"
)

var _ bot.Publications = (*redisstore.Store)(nil)

func TestWhoAnnouncesANumberFirstHasIt(t *testing.T) {
	r := storetest.StartRedis(t)
	s := open(t, "redis://"+r.Addr, redisstore.Options{StepTimeout: patient})
	if n, err := s.Latest(t.Context()); n != 0 || err != nil {
		t.Errorf("latest of nothing: %d, %v", n, err)
	}
	if data, err := s.Announced(t.Context(), 1); data != nil || err != nil {
		t.Errorf("announced of nothing: %q, %v", data, err)
	}
	var first atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			kept, err := s.Announce(t.Context(), 1, fmt.Appendf(nil, "state %d", i))
			if err != nil {
				t.Error(err)
			}
			if kept {
				first.Add(1)
			}
		})
	}
	all.Wait()
	data, err := s.Announced(t.Context(), 1)
	if first.Load() != 1 || err != nil || !bytes.HasPrefix(data, []byte("state ")) {
		t.Errorf("%d announced; kept %q, %v", first.Load(), data, err)
	}
	if kept, err := s.Announce(t.Context(), 1, data); !kept || err != nil {
		t.Errorf("the same again: %v, %v", kept, err)
	}
	large := bytes.Repeat([]byte("x"), 8<<20)
	if kept, err := s.Announce(t.Context(), 2, large); !kept || err != nil {
		t.Fatalf("8 MiB: %v, %v", kept, err)
	}
	if data, err := s.Announced(t.Context(), 2); !bytes.Equal(data, large) || err != nil {
		t.Errorf("8 MiB came back as %d bytes, %v", len(data), err)
	}
	if n, err := s.Latest(t.Context()); n != 2 || err != nil {
		t.Errorf("latest %d, %v", n, err)
	}
	r.Do("set", "test:"+t.Name()+":{published}:latest", "garbage")
	if n, err := s.Latest(t.Context()); n != 0 || err != nil {
		t.Errorf("latest of a foreign value: %d, %v", n, err)
	}
	if kept, err := s.Announce(t.Context(), 3, []byte("x")); !kept || err != nil {
		t.Errorf("after a foreign value: %v, %v", kept, err)
	}
}
