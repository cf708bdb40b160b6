// Package api is the platform's HTTP interface as every channel that calls it needs
// it: the SDK github.com/silenceper/wechat/v2 behind guards, the access_token, and
// what the platform's error codes mean for an operator. It knows no message and no
// channel.
//
// The SDK is guarded because it has no time limits, trusts every answer, and writes
// secrets into its errors: transport.go judges each answer before the SDK reads it,
// token.go keeps the access_token, client.go repeats what may be repeated and lets no
// error out that carries a secret. Only the SDK's work, util and credential packages
// are imported: its root package reconfigures the logger of the whole process.
//
// Read client.go first, then sdk.go, token.go, transport.go, apierror.go.
package api
