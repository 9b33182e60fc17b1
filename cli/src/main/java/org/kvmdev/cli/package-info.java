/** The {@code kvmdev} command: a class for each subcommand. */
package org.kvmdev.cli;
