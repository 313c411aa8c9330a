# The service: `docker build -t sfumato .`, then docs/service.md.
FROM python:3.13-slim
WORKDIR /app
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY src src
RUN pip install --no-cache-dir --constraint constraints.txt ".[serve,redis]" \
    && useradd --create-home --uid 10001 sfumato \
    && install -d -o sfumato -g sfumato /data
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["sfumato", "serve", "--host", "0.0.0.0", "--work", "/data"]
