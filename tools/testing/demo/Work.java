// SPDX-License-Identifier: GPL-2.0-only OR MIT
/** Allocate and free for as long as one is let. */
public class Work {
    public static void main(String[] args) throws InterruptedException {
        java.util.ArrayDeque<byte[][]> kept = new java.util.ArrayDeque<>();
        for (;;) {
            byte[][] block = new byte[1000][];
            for (int i = 0; i < block.length; i++) block[i] = new byte[2000];
            kept.add(block);
            if (kept.size() > 20) kept.poll();
            Thread.sleep(200);
        }
    }
}
