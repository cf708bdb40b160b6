// Package app is the self-built WeCom application (自建应用): it reads the XML
// callback, answers in the same HTTP response, and sends what does not fit there
// through message/send.
//
// It knows the application's XML, its access_token and the calls it makes through
// the SDK github.com/silenceper/wechat/v2. It refuses to know how a question is
// answered (bot.Engine does), how a callback is signed and encrypted (envelope
// does) and how a reply is cut into pages (the engine does, between measures).
//
// The SDK is used through a guarded layer, because it has no time limits, trusts
// every answer, and writes secrets into its errors: transport.go judges each
// answer before the SDK reads it, token.go keeps the access_token, and sender.go
// lets no error out that carries a secret. Only the SDK's work, util, credential
// and cache packages are imported: its root package reconfigures the logger of
// the whole process.
//
// Read callback.go first, then fields.go, incoming.go, reply.go, pushes.go; and for
// sending sender.go, token.go, transport.go, apierror.go.
package app
