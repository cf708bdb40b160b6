# The binary alone, for a non-root user on a read-only file system.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/aeobot ./cmd/aeobot \
 && mkdir -p /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/aeobot /aeobot
COPY LICENSE THIRD_PARTY_NOTICES /licenses/
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV AEOBOT_LISTEN=0.0.0.0:8080 AEOBOT_DATA_DIR=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/aeobot", "health"]
ENTRYPOINT ["/aeobot"]
CMD ["serve"]
