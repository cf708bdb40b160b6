package console

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// importPath is where files are uploaded.
const importPath = "/console/import"

// maxUploads is how many uploads are in memory at once: one that is read and two that come
// in or wait.
const maxUploads = 3

// errUploads means that there are maxUploads already.
var errUploads = errors.New("console: too many uploads at once")

// place is what an upload has of maxUploads. It is free again when the request has ended, or
// the reading that kept it.
type place struct {
	free func()
	kept bool
}

type placeKey struct{}

// admitUpload lets an upload be sent while there is a place for it, and says so otherwise. It
// stands behind the login: strangers take no place.
func (c *Console) admitUpload(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case c.uploads <- struct{}{}:
		default:
			c.refuseUpload(w, r)
			return
		}
		p := &place{free: sync.OnceFunc(func() { <-c.uploads })}
		defer func() {
			if !p.kept {
				p.free()
			}
		}()
		setDeadlines(w)
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), placeKey{}, p)))
	})
}

// keepUpload has an upload keep its place until release, though its request ends before.
func keepUpload(ctx context.Context) (release func()) {
	p := ctx.Value(placeKey{}).(*place)
	p.kept = true
	return p.free
}

// refuseUpload answers at once, whatever is still to come. What comes is dropped as it
// comes, since most browsers show no answer before they have sent all.
func (c *Console) refuseUpload(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // else the server waits for a part of it first
	setDeadlines(w)
	w.Header().Set("Retry-After", "30")
	w.Header().Set("Connection", "close")
	c.handler(func(*Console, *page) error { return errUploads }).ServeHTTP(w, r)
	if control.Flush() == nil {
		_, _ = io.Copy(io.Discard, r.Body) // whoever sent it has the answer
	}
}

// setDeadlines gives an upload the time that a slow line takes. Where the server cannot
// change its deadlines the usual ones stay.
func setDeadlines(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(uploadTime))
	_ = control.SetWriteDeadline(time.Now().Add(uploadTime + requestTime))
}
