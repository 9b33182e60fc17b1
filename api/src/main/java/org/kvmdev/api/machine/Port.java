package org.kvmdev.api.machine;

/**
 * What a device family plugs into a VM so that the core need not know an architecture. A family's
 * object may implement several ports; it is plugged in once.
 */
public sealed interface Port
    permits FileRequests,
        Hypercalls,
        InterruptTaken,
        LineEncoding,
        Requests,
        StateSource,
        SystemRegisters,
        VcpuAttributes,
        VcpuLifecycle,
        VcpuRegisters {}
