//! Tests of the accept loop, over real sockets.

use axum::routing::get;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::oneshot,
};

use super::*;

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    ended: oneshot::Receiver<()>,
}

async fn serve(router: Router) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let server = Server::new(listener, None, router, stop.clone());
    let (tell, ended) = oneshot::channel();
    tokio::spawn(async move {
        server.run().await;
        let _ = tell.send(());
    });
    Served { address, stop, ended }
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut buffer = vec![0; 4_096];
    let read = stream.read(&mut buffer).await.unwrap_or(0);
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

#[tokio::test]
async fn requests_follow_one_another_on_a_connection() {
    let served = serve(Router::new().route("/", get(|| async { "hello" }))).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let answer = read_some(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    }
}

#[tokio::test]
async fn a_drain_answers_what_is_in_flight_and_ends_idle_connections() {
    let (release, released) = tokio::sync::watch::channel(false);
    let handler = move || {
        let mut released = released.clone();
        async move {
            let _ = released.wait_for(|released| *released).await;
            "late"
        }
    };
    let served = serve(Router::new().route("/", get(handler))).await;
    let mut busy = TcpStream::connect(served.address).await.unwrap();
    busy.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut idle = TcpStream::connect(served.address).await.unwrap();
    idle.write_all(b"GET /none HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(read_some(&mut idle).await.starts_with("HTTP/1.1 404"));

    served.stop.cancel();
    assert_eq!(read_some(&mut idle).await, "", "closed");
    release.send(true).unwrap();
    assert!(read_some(&mut busy).await.ends_with("late"));
    timeout(Duration::from_secs(5), served.ended).await.unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let served = serve(Router::new()).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1_024 * 1_024));
    // The server may close before all is written.
    let _ = stream.write_all(head.as_bytes()).await;
    let answer = read_some(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_and_an_idle_connection_are_closed_in_their_time() {
    let (mut client, server) = tokio::io::duplex(1_024);
    let pace = Arc::new(Pace::default());
    let mut patient = Patient::new(server, Arc::clone(&pace));
    let mut buffer = [0; 16];
    let started = tokio::time::Instant::now();
    client.write_all(b"G").await.unwrap();
    patient.read_exact(&mut buffer[..1]).await.unwrap();
    patient.read_exact(&mut buffer[..1]).await.unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 10);

    pace.request_begins();
    pace.request_ends();
    let started = tokio::time::Instant::now();
    patient.read_exact(&mut buffer[..1]).await.unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 75);
}

#[tokio::test(start_paused = true)]
async fn bytes_one_at_a_time_do_not_buy_time() {
    let (mut client, server) = tokio::io::duplex(1_024);
    let mut patient = Patient::new(server, Arc::new(Pace::default()));
    let started = tokio::time::Instant::now();
    tokio::spawn(async move {
        while client.write_all(b"x").await.is_ok() {
            sleep(Duration::from_secs(3)).await;
        }
    });
    let mut buffer = [0; 1];
    while patient.read_exact(&mut buffer).await.is_ok() {}
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up() {
    let (_client, server) = tokio::io::duplex(16);
    let mut patient = Patient::new(server, Arc::new(Pace::default()));
    let started = tokio::time::Instant::now();
    patient.write_all(&[0; 1_024]).await.unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[test]
fn a_connection_is_small() {
    // Each event stream has one, beside the 8 KB that the HTTP library reads into.
    fn bytes<F>(_: impl Fn(Connection, TcpStream) -> F) -> usize {
        size_of::<F>()
    }
    assert!(bytes(Connection::serve) <= 2_816, "{} bytes", bytes(Connection::serve));
}
