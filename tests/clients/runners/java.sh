#!/bin/sh
# Runs a program with the Java client as `make test-client-java` has built it: java.sh CLASS [ARGUMENT]…
target=$(dirname "$0")/../../../clients/java/target
exec java -cp "$target/test-classes:$target/classes:$target/dependency/*" "$@"
